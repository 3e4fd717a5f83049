// Installing a prepared program. Usable between clone and exec: one system call, no allocation,
// no locks, no errno left to read.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

namespace bulkhead::seccomp {

// Adds `program` to the calling thread's filters. Needs no_new_privs or CAP_SYS_ADMIN in the
// caller's user namespace. Returns 0 or -errno: EACCES without that right, EINVAL for an invalid
// program or an unknown flag, ENOMEM when the thread's filters exceed 32768 instructions.
// `flags` must not hold SECCOMP_FILTER_FLAG_NEW_LISTENER (-EINVAL).
[[nodiscard]] int install(std::span<const sock_filter> program, std::uint32_t flags) noexcept;

// The same with SECCOMP_FILTER_FLAG_NEW_LISTENER: returns the listener fd (close-on-exec, owned by
// the caller) or -errno; EBUSY when a filter of this thread has a listener already. From the return
// on, calls that the program notifies of block until somebody answers on that fd.
[[nodiscard]] int install_with_listener(std::span<const sock_filter> program,
                                        std::uint32_t flags) noexcept;

}  // namespace bulkhead::seccomp
