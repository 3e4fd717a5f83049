#include "runtime/leases.h"

#include <fcntl.h>

#include "base/log.h"
#include "base/strings.h"
#include "runtime/context.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

constexpr int kDestroyTimeoutMs = 2000;

// The ids of the container whose namespaces are joined, from its user namespace itself.
Result<sandbox::HostIds> joined_ids(const std::string& path) {
  UniqueFd fd = TRY(sys::open_path(path, O_RDONLY));
  if (TRY(sys::namespace_type(fd.get(), path)) != CLONE_NEWUSER) fd = TRY(sys::owner_of(fd.get()));
  auto uids = TRY(sys::read_id_map(fd.get(), "uid_map"));
  auto gids = TRY(sys::read_id_map(fd.get(), "gid_map"));
  if (uids.size() != 1 || gids.size() != 1 || uids[0].inside != 0 || gids[0].inside != 0)
    return fail(cat(path, ": its user namespace does not map one range from 0"));
  return sandbox::HostIds{uids[0].outside, gids[0].outside, std::min(uids[0].size, gids[0].size)};
}

const std::string* joined_user_path(const plan::Plan& plan) {
  for (const auto& ns : plan.namespaces)
    if (ns.type == "user" && !ns.path.empty()) return &ns.path;
  return nullptr;
}

}  // namespace

Result<IdLease> IdLease::take(const spec::Spec& spec, const plan::Plan& plan, const plan::Facts&,
                              State& state) {
  if (const auto* path = joined_user_path(plan)) {
    state.ids = TRY(joined_ids(*path));
    return IdLease("");
  }
  (void)spec;
  state.ids = {100000, 100000, 65536};
  state.owns_ids = true;
  return IdLease(state.id);
}

IdLease::~IdLease() {
  if (!id_.empty()) [[maybe_unused]] auto released = release_ids(id_);
}

Result<> release_ids(const std::string&) { return {}; }

Result<CgroupLease> CgroupLease::create(const spec::Spec& spec, const plan::Plan& plan, State& state) {
  auto manager = TRY(cgroup::make_manager(state.cgroup));
  spec::Resources resources = spec.linux_.resources.value_or(spec::Resources{});
  resources.devices = plan.device_rules;
  TRY_IN("cgroup", manager->create(resources));
  CgroupLease lease(std::move(manager));
  state.cgroup = lease->location();
  return lease;
}

CgroupLease::~CgroupLease() {
  if (!manager_ || !owned_) return;
  [[maybe_unused]] auto killed = manager_->kill_all();
  if (auto destroyed = manager_->destroy(kDestroyTimeoutMs); !destroyed)
    log::warn(cat("cgroup is left behind: ", destroyed.error().message));
}

Result<> record_init(pid_t pid, State& state, const Entry& entry) {
  auto stat = TRY(sys::process_stat(pid));
  if (!stat) return fail("the container's init died at once");
  state.pid = pid;
  state.start_ticks = stat->start_ticks;
  return entry.write(state);
}

}  // namespace bulkhead::runtime
