#include "sandbox/namespaces.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/log.h"
#include "base/strings.h"
#include "sys/namespace.h"

namespace bulkhead::sandbox {
namespace {

std::string shifted_group_range(const std::string& value, const HostIds& ids) {
  auto numbers = split(value, ' ');
  if (numbers.size() != 2) return value;
  auto low = parse_decimal<std::uint32_t>(numbers[0]);
  auto high = parse_decimal<std::uint32_t>(numbers[1]);
  if (!low || !high) return value;
  if (*low > *high) return value;  // "1 0": nobody
  return cat(ids.gid + *low, " ", ids.gid + *high);
}

// Acts with the effective uid of the container's root, all capabilities kept. Since 6.9 the sysctls
// of an ipc namespace are writable by the root of the user namespace that owns it and by nobody else,
// whatever its capabilities (seen on 6.18: EACCES for the host's root); before, by the host's only.
class NamespaceOwner {
 public:
  static Result<NamespaceOwner> become(uid_t uid) {
    int bits = prctl(PR_GET_SECUREBITS);
    if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
      return fail_errno("set secure bits");
    NamespaceOwner owner(bits);
    if (::seteuid(uid) < 0) return fail_errno("act as the container's root");
    return owner;
  }
  NamespaceOwner(NamespaceOwner&& other) noexcept : bits_(std::exchange(other.bits_, -1)) {}
  NamespaceOwner& operator=(NamespaceOwner&&) = delete;
  ~NamespaceOwner() {
    if (bits_ >= 0 && (::seteuid(0) < 0 || prctl(PR_SET_SECUREBITS, bits_) < 0))
      abandon("become the host's root again");
  }

 private:
  explicit NamespaceOwner(int bits) : bits_(bits) {}
  int bits_;
};

Result<> write_sysctl(const plan::Sysctl& sysctl, BorrowedFd proc_sys, const HostIds& ids) {
  std::string path = sysctl.key;
  for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  // Nothing but a plain file of this procfs may be reached (CVE-2025-52881), and by its own name:
  // "net/../kernel/core_pattern" stays beneath.
  if (cat("/", path, "/").find("/../") != std::string::npos) return fail("malformed");
  std::string value = sysctl.key == "net.ipv4.ping_group_range" ? shifted_group_range(sysctl.value, ids)
                                                                : sysctl.value;
  UniqueFd file = TRY(sys::open_at2(proc_sys, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV |
                                                                  RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
  if (::write(file.get(), value.data(), value.size()) < 0) return fail_errno(cat("write \"", value, "\""));
  return {};
}

}  // namespace

void abandon(const char* what) {
  log::error(cat(what, ": ", strerror(errno), "; delete --force cleans up"));
  ::_exit(1);
}

Result<Namespaces> Namespaces::of(pid_t init) {
  Namespaces ns;
  ns.user = TRY(sys::open_namespace(init, "user"));
  ns.pid = TRY(sys::open_namespace(init, "pid"));
  ns.ipc = TRY(sys::open_namespace(init, "ipc"));
  ns.host_network = TRY(sys::open_namespace(0, "net"));
  ns.host_ipc = TRY(sys::open_namespace(0, "ipc"));
  return ns;
}

Result<> Namespaces::open_network(pid_t init) {
  network = TRY(sys::open_namespace(init, "net"));
  return {};
}

Result<> bring_loopback_up() {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket for lo");
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return fail_errno("bring lo up");
  return {};
}

Result<> write_sysctls(const std::vector<plan::Sysctl>& sysctls, plan::Sysctl::Namespace where,
                       BorrowedFd proc_sys, const HostIds& ids) {
  for (const auto& sysctl : sysctls) {
    if (sysctl.where != where) continue;
    auto written = write_sysctl(sysctl, proc_sys, ids);
    if (!written && written.error().code == EACCES) {
      auto owner = TRY(NamespaceOwner::become(ids.uid));
      written = write_sysctl(sysctl, proc_sys, ids);
    }
    TRY_IN(cat("linux.sysctl ", sysctl.key), std::move(written));
  }
  return {};
}

}  // namespace bulkhead::sandbox
