#include "seccomp/load.h"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace bulkhead::seccomp {
namespace {

int set_filter(std::span<const sock_filter> program, std::uint32_t flags) noexcept {
  if (program.empty() || program.size() > BPF_MAXINSNS) return -EINVAL;
  sock_fprog prog{.len = static_cast<unsigned short>(program.size()),
                  .filter = const_cast<sock_filter*>(program.data())};
  const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
  return result < 0 ? -errno : static_cast<int>(result);
}

}  // namespace

int install(std::span<const sock_filter> program, std::uint32_t flags) noexcept {
  if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return -EINVAL;
  return set_filter(program, flags);
}

int install_with_listener(std::span<const sock_filter> program, std::uint32_t flags) noexcept {
  return set_filter(program, flags | SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

}  // namespace bulkhead::seccomp
