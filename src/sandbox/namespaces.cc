#include "sandbox/namespaces.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <optional>

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

// kernel.shm*, msg*, sem and fs.mqueue.* ask for the effective user that is root in the namespace's
// owner, no capability helps (ipc_permissions(), 6.18). Back again, the capabilities are too.
class EffectiveUser {
 public:
  static Result<EffectiveUser> become(std::uint32_t uid) {
    if (syscall(SYS_setresuid, -1, uid, -1) < 0) return fail_errno("act as the container's root");
    return EffectiveUser();
  }
  EffectiveUser(EffectiveUser&& other) noexcept : active_(std::exchange(other.active_, false)) {}
  EffectiveUser& operator=(EffectiveUser&&) = delete;
  ~EffectiveUser() {
    if (active_) syscall(SYS_setresuid, -1, 0, -1);
  }

 private:
  EffectiveUser() = default;
  bool active_ = true;
};

}  // namespace

Result<Namespaces> Namespaces::of(pid_t init) {
  Namespaces ns;
  ns.user = TRY(sys::open_namespace(init, "user"));
  ns.pid = TRY(sys::open_namespace(init, "pid"));
  ns.network = TRY(sys::open_namespace(init, "net"));
  ns.ipc = TRY(sys::open_namespace(init, "ipc"));
  ns.host_network = TRY(sys::open_namespace(0, "net"));
  ns.host_ipc = TRY(sys::open_namespace(0, "ipc"));
  return ns;
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
  std::optional<EffectiveUser> user;
  if (where == plan::Sysctl::Namespace::kIpc) user.emplace(TRY(EffectiveUser::become(ids.uid)));
  for (const auto& sysctl : sysctls) {
    if (sysctl.where != where) continue;
    std::string path = sysctl.key;
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    std::string value = sysctl.key == "net.ipv4.ping_group_range"
                            ? shifted_group_range(sysctl.value, ids)
                            : sysctl.value;
    std::string name = cat("linux.sysctl ", sysctl.key);
    // Nothing but a plain file of this procfs may be reached (CVE-2025-52881), and by its own name:
    // "net/../kernel/core_pattern" stays beneath.
    if (cat("/", path, "/").find("/../") != std::string::npos) return fail(cat(name, ": malformed"));
    UniqueFd file = TRY_IN(name, sys::open_at2(proc_sys, path, O_WRONLY,
                                               RESOLVE_BENEATH | RESOLVE_NO_XDEV |
                                                   RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
    if (::write(file.get(), value.data(), value.size()) < 0)
      return fail_errno(cat(name, ": write \"", value, "\""));
  }
  return {};
}

}  // namespace bulkhead::sandbox
