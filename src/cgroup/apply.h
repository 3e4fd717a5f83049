// Settings to control files.
#pragma once

#include <functional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/device_rules.h"
#include "cgroup/settings.h"

namespace bulkhead::cgroup {

// The container's cgroup in the hierarchy of `controller`, or -1 where that is not mounted.
using Lookup = std::function<BorrowedFd(std::string_view controller)>;

// Writes them in order. Errors name the specification's key and the file; for a missing controller
// or file, what the host lacks.
Result<> apply_settings(const std::vector<Setting>& settings, const Lookup& lookup);

// Writes `policy` to devices.deny and devices.allow of `dir`. `fresh`: a cgroup just made, which
// allows what its parent does; else what devices.list says now is changed to the policy, without a
// moment in which a device that stays allowed is refused.
Result<> apply_devices_v1(BorrowedFd dir, const DevicePolicy& policy, bool fresh);

}  // namespace bulkhead::cgroup
