// Removing cgroups whose processes are still on their way out.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

// Removes every `root`/path with all below; repeats while the kernel says EBUSY, for at most
// `timeout_ms`. Absent ones are no error. All are tried before the first error is returned.
Result<> remove_trees(BorrowedFd root, std::vector<std::string> paths, int timeout_ms);

}  // namespace bulkhead::cgroup
