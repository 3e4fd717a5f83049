// A new v1 cpuset has no CPUs and no memory nodes, and lets no process in until it does.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "spec/types.h"

namespace bulkhead::cgroup {

// Copies cpuset.cpus and cpuset.mems from the parent down to `root`/`path` ("cpuset/docker/ID"),
// as far as a cgroup on the way has none, but not into the last one where `cpu` sets its own.
Result<> inherit_cpuset(BorrowedFd root, const std::string& path, const spec::CpuResources& cpu);

}  // namespace bulkhead::cgroup
