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
  std::vector<sock_filter> program;  // empty: no filter
  std::uint32_t flags = 0;           // SECCOMP_FILTER_FLAG_* for seccomp(2)
  bool has_notify = false;           // a listener fd must be taken (SECCOMP_FILTER_FLAG_NEW_LISTENER)
};

// Compiles `profile`. Unknown actions, operators, architectures, flags and argument indexes are
// errors; unknown syscall names are skipped, as runc does (profiles name newer calls). Rules equal
// to the default action are skipped as runc and crun do. errnoRet defaults to EPERM.
// Errors name the object: "linux.seccomp.syscalls[3].action: ...".
Result<Filter> compile(const spec::Seccomp& profile);

// compile() through the cache in directory `cache_dir` (opened by the caller: root-owned, 0700;
// -1: no cache). An entry is used only when its owner, mode, size and header are right; it is
// written to a temporary file and renamed; entries over a count are evicted, oldest first. A cache
// that cannot be read or written costs time, never correctness.
Result<Filter> compile_cached(const spec::Seccomp& profile, BorrowedFd cache_dir);

// Validates without compiling (the checks of compile() alone): for `plan` and admission.
Result<> check(const spec::Seccomp& profile);

// The names that `features` prints.
std::vector<std::string> known_actions();
std::vector<std::string> known_operators();
std::vector<std::string> known_architectures();
std::vector<std::string> known_flags();       // all that the specification names
std::vector<std::string> supported_flags();   // those that this kernel takes

}  // namespace bulkhead::seccomp
