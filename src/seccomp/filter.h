// Seccomp profiles of the OCI specification to BPF programs, with a content-addressed cache:
// libseccomp needs about 10 ms for Docker's default profile, which was most of the time that other
// runtimes spend in `create`.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "spec/types.h"

namespace bulkhead::seccomp {

struct Filter {
  std::vector<sock_filter> program;  // never empty, at most BPF_MAXINSNS (4096) instructions
  std::uint32_t flags = 0;           // SECCOMP_FILTER_FLAG_* for seccomp(2), without NEW_LISTENER
  bool has_notify = false;           // a listener fd must be taken: install_with_listener (load.h)
};

// Compiles `profile`.
//
// Unknown actions, operators, architectures, flags, argument indexes over 5, and an errnoRet for
// an action that returns none are errors, as the specification asks; so is SCMP_ACT_NOTIFY as the
// default action, for write(2) (the set-up process must be able to report) or without a
// listenerPath. Unknown syscall names are skipped, as runc does (profiles name newer calls), and so
// are rules equal to the default action. errnoRet defaults to EPERM. Errors name the object:
// "linux.seccomp.syscalls[3].action: ...".
//
// The native architecture is always in the filter; a call of an architecture that the profile does
// not list kills the thread. Several conditions on one argument of a rule are alternatives, as in
// runc and crun. A default action that refuses is preceded by "ENOSYS for calls newer than any the
// profile names" (enosys.h), as in runc.
//
// No flags in the profile means SECCOMP_FILTER_FLAG_SPEC_ALLOW, as in runc and crun (engines write
// the list with omitempty, so an explicit empty one cannot be told apart). TSYNC is taken and left
// out: the process that installs has one thread. WAIT_KILLABLE_RECV without SCMP_ACT_NOTIFY is left
// out: the kernel refuses it there. A flag that the running kernel does not know is an error.
Result<Filter> compile(const spec::Seccomp& profile);

// compile() through the cache in directory `cache_dir` (opened by the caller: root-owned, 0700;
// -1: no cache). An entry is used only when its owner, mode, size, header and checksum are right;
// it is written to a temporary file and renamed; entries over a count are evicted, those longest
// unused first. A cache that cannot be read or written costs time, never correctness.
Result<Filter> compile_cached(const spec::Seccomp& profile, BorrowedFd cache_dir);

// Validates without compiling (the checks of compile() that ask nothing of the kernel): for `plan`
// and admission.
Result<> check(const spec::Seccomp& profile);

// The names that `features` prints.
std::vector<std::string> known_actions();
std::vector<std::string> known_operators();
std::vector<std::string> known_architectures();
std::vector<std::string> known_flags();      // all that the specification names
std::vector<std::string> supported_flags();  // those that this kernel takes

}  // namespace bulkhead::seccomp
