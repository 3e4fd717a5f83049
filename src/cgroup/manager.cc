#include "base/strings.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/manager_systemd.h"
#include "cgroup/manager_v1.h"
#include "cgroup/manager_v2.h"

namespace bulkhead::cgroup {

namespace {

// A cgroup that is there and cannot be opened is not one that is not there: a process must not miss it.
template <typename T>
Result<std::unique_ptr<Manager>> opened(std::unique_ptr<T> manager) {
  if (int code = manager->open_error(); code != 0)
    return fail_errno(cat("open cgroup ", manager->location().path), code);
  return manager;
}

}  // namespace

Result<std::unique_ptr<Manager>> make_manager(Location location) {
  Host host = TRY(find_host());
  if (location.driver == Location::Driver::kSystemd)
    return std::make_unique<SystemdManager>(host.mode, std::move(location));
  if (host.mode == Mode::kUnified)
    return opened(std::make_unique<UnifiedManager>(std::move(host), std::move(location)));
  return opened(std::make_unique<LegacyManager>(std::move(host), std::move(location)));
}

}  // namespace bulkhead::cgroup
