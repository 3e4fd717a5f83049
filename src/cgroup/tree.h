// Whole subtrees of one hierarchy. A container may have made any number of cgroups at any depth
// below its own, deeper than PATH_MAX and than our fds and stack would reach: the walks here hold
// one fd and go back by "..", which is safe since the kernel refuses to move a cgroup to another
// parent.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

// Names of the directories in `dir`/`name`.
Result<std::vector<std::string>> child_names(BorrowedFd dir, const char* name);

// Calls `visit` with a listable fd of every cgroup from `top` down, parents first. Cgroups that
// vanish meanwhile are passed over. Stops at the first error of `visit`.
Result<> walk(BorrowedFd top, const std::function<Result<>(BorrowedFd)>& visit);

// Host pids of all processes at and below `top`, each once (the kernel may list one twice).
// Processes outside our pid namespace (listed as 0) are left out.
Result<std::vector<pid_t>> processes_below(BorrowedFd top);

// Removes `dir`/`path` with everything below, once. Absent: no error. Error code EBUSY: it still
// has processes (a killed one leaves its cgroup when it has been reaped or released).
Result<> remove_tree(BorrowedFd dir, const char* path);

}  // namespace bulkhead::cgroup
