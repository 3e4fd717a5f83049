// Stopping every process of a cgroup, and killing them for good.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

// v1: freezer.state to FROZEN (waits until it is; on time-out thaws again and fails) or THAWED.
Result<> freeze_v1(BorrowedFd dir, bool frozen);

// v1: true when the cgroup is frozen or freezing, by itself or by an ancestor.
Result<bool> is_frozen_v1(BorrowedFd dir);

// v2: the same through cgroup.freeze and cgroup.events.
Result<> freeze_v2(BorrowedFd dir, bool frozen);
Result<bool> is_frozen_v2(BorrowedFd dir);

// v1: SIGKILL to all below `dir` with the subtree frozen meanwhile, so that none can fork and no
// pid can be used anew; then thaws every cgroup of it, as v1 delivers no signal to a frozen
// process. `is_freezer`: `dir` lies in the freezer's hierarchy; without one the killing goes in
// rounds.
Result<> kill_all_v1(BorrowedFd dir, bool is_freezer);

// THAWED to `top` and every cgroup below it.
Result<> thaw_all_v1(BorrowedFd top);

// cgroup.kill. Error code ENOENT: the kernel is older than 5.14.
Result<> kill_all_v2(BorrowedFd dir);

}  // namespace bulkhead::cgroup
