#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/manager_systemd.h"
#include "cgroup/manager_v1.h"
#include "cgroup/manager_v2.h"

namespace bulkhead::cgroup {

Result<std::unique_ptr<Manager>> make_manager(Location location) {
  Host host = TRY(find_host());
  if (location.driver == Location::Driver::kSystemd)
    return std::make_unique<SystemdManager>(host.mode, std::move(location));
  if (host.mode == Mode::kUnified)
    return std::make_unique<UnifiedManager>(std::move(host), std::move(location));
  return std::make_unique<LegacyManager>(std::move(host), std::move(location));
}

}  // namespace bulkhead::cgroup
