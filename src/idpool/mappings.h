// Mappings that come with the OCI configuration (engine userns-remap, Kubernetes hostUsers: false).
#pragma once

#include <vector>

#include "base/result.h"
#include "idpool/range.h"
#include "spec/types.h"

namespace bulkhead::idpool {

// The one host range behind `uids` and `gids`, when it is safe to use instead of one of the pool:
// both given and the same, one range from container id 0 (several lines count as one when they
// continue each other), at least 65536 ids, never host id 0. Errors begin with "invalid user/group
// ID config: " and say what was found.
Result<Range> check_mappings(const std::vector<spec::IdMapping>& uids,
                             const std::vector<spec::IdMapping>& gids);

}  // namespace bulkhead::idpool
