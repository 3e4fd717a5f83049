// "ENOSYS for calls newer than the profile": what runc does since 1.0.0-rc93, and container images
// rely on.
//
// An allow list with a default of ERRNO(EPERM) answers EPERM to a call that did not exist when the
// list was written. A newer glibc in the container then does not fall back to the older call
// (clone3 -> clone, faccessat2 -> faccessat, fchmodat2 -> fchmod): it takes EPERM for the answer.
// libseccomp has no action for "unknown call", so these instructions go in front of its program:
//
//   per architecture in the filter:  nr > the largest number that the profile names  ->  ENOSYS
//
// Numbers are shared by all architectures since Linux 5.0 and grow with time, so "larger than any
// named" is "newer than the profile". A named call is never affected, so nothing that the profile
// decides changes; nothing is allowed that was not.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

namespace bulkhead::seccomp {

struct LastCall {
  std::uint32_t token = 0;   // SCMP_ARCH_*
  std::uint32_t number = 0;  // the largest call number that the profile names there
};

// The instructions to put in front of a program: they end by falling through to what follows.
// At most one entry per token.
std::vector<sock_filter> enosys_stub(std::span<const LastCall> last_calls);

// Is `number` of architecture `token` ordered by age? ARM's private calls (cacheflush, set_tls,
// ...) live at 0x0f0000 and are not.
bool is_ordered_by_age(std::uint32_t token, std::uint32_t number);

}  // namespace bulkhead::seccomp
