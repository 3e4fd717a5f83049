// `events`: the numbers of a container's cgroups in runc's JSON, and OOM notifications.
#pragma once

#include <string>

#include "base/result.h"
#include "cgroup/cgroup.h"
#include "cgroup/stats.h"
#include "runtime/store.h"

namespace bulkhead::runtime {

std::string stats_event(const std::string& id, const cgroup::Stats& stats);

// Prints a stats line every `interval_ms` and an oom line when the kernel kills, until the
// container's init is gone.
Result<int> follow_events(const State& state, cgroup::Manager& manager, int interval_ms);

}  // namespace bulkhead::runtime
