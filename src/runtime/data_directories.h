// Which data directories of engines an image asks for: those of the policy whose program it has.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace bulkhead::runtime {

// `rootfs`: the container's root as the engine mounted it. Looks for names only, in the places where
// engines are installed (30 look-ups); opens nothing of the image.
Result<std::vector<std::string>> wanted_data_directories(const policy::Policy& policy, const std::string& rootfs);

}  // namespace bulkhead::runtime
