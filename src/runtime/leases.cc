#include "runtime/leases.h"

#include <fcntl.h>

#include "base/log.h"
#include "base/strings.h"
#include "idpool/mappings.h"
#include "idpool/pool.h"
#include "idpool/subid.h"
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

Result<idpool::Config> pool_config(const policy::Policy& policy) {
  if (policy.id_pool.fixed)
    return idpool::Config{.blocks = {{policy.id_pool.fixed->start, policy.id_pool.fixed->ranges}}};
  UniqueFd etc = TRY(sys::open_path("/etc", O_PATH | O_DIRECTORY));
  return idpool::read_config(etc.get(), policy.id_pool.user);
}

// One pool for all engines of the host, whatever their --root.
Result<UniqueFd> run_directory() { return sys::make_directories(kRunDirectory, 0711); }

// What exists as long as the engine can start this container again: of an overlay the layer's
// directory (the parent of ".../merged"), else the root.
std::string restart_marker(const State& state) {
  std::string_view root = state.rootfs;
  if (root.ends_with("/merged")) root.remove_suffix(7);
  return std::string(root);
}

// The range belongs to the container that is joined, and is held until both are gone. A user
// namespace whose range nobody holds is not of a container of ours (R3).
Result<> register_beside_owner(BorrowedFd run, const State& state) {
  for (const auto& holding : TRY(idpool::list(run)))
    if (holding.range.first == state.ids.uid)
      return TRY(idpool::register_joined(run, holding.container_id, state.id)), Result<>();
  return fail("error in the container spec: invalid or unsupported container spec: can't join the "
              "namespaces of a container that does not run under bulkhead");
}

}  // namespace

Result<IdLease> IdLease::take(const spec::Spec& spec, const plan::Plan& plan,
                              const policy::Policy& policy, const Store& store, State& state) {
  UniqueFd run = TRY(run_directory());
  if (const auto* path = joined_user_path(plan)) {
    state.ids = TRY(joined_ids(*path));
    TRY(register_beside_owner(run.get(), state));
    return IdLease(&state);
  }
  auto is_alive = [&store](std::string_view id) { return store.find(id).has_value(); };
  idpool::Range range;
  if (!spec.linux_.uid_mappings.empty() || !spec.linux_.gid_mappings.empty()) {
    range = TRY_IN("error in the container spec",
                   idpool::check_mappings(spec.linux_.uid_mappings, spec.linux_.gid_mappings));
    TRY(idpool::register_foreign(run.get(), range, state.id, is_alive));
  } else {
    auto config = TRY_IN("id pool", pool_config(policy));
    for (const auto& warning : config.warnings) log::warn(warning);
    range = TRY(idpool::allocate(run.get(), config, state.id, is_alive));
  }
  state.ids = {range.first, range.first, range.size};
  state.owns_user_ns = true;
  return IdLease(&state);
}

IdLease::~IdLease() {
  if (state_) [[maybe_unused]] auto released = release_ids(*state_);
}

Result<> release_ids(const State& state) {
  UniqueFd run = TRY(run_directory());
  return idpool::release(run.get(), state.id, restart_marker(state));
}

namespace {

Result<> remove_cgroup(cgroup::Location location) {
  auto manager = TRY(cgroup::make_manager(std::move(location)));
  [[maybe_unused]] auto killed = manager->kill_all();
  return manager->destroy(kDestroyTimeoutMs);
}

}  // namespace

Result<CgroupLease> CgroupLease::create(const spec::Spec& spec, const plan::Plan& plan, State& state,
                                         Entry& entry) {
  auto manager = TRY(cgroup::make_manager(state.cgroup));
  spec::Resources resources = spec.linux_.resources.value_or(spec::Resources{});
  resources.devices = plan.device_rules;
  TRY_IN("cgroup", manager->create(resources));
  CgroupLease lease(std::move(manager), entry);
  state.cgroup = lease->location();
  return lease;
}

CgroupLease::~CgroupLease() {
  if (!manager_ || !owned_) return;
  // A manager of its own: the first one's directory fds are of M0, whose mounts may be gone by now. Those
  // are closed before, since descriptors may be what has run out.
  cgroup::Location location = manager_->location();
  manager_.reset();
  if (auto removed = remove_cgroup(std::move(location)); !removed) {
    entry_.commit();  // for `delete --force` to find
    log::warn(cat("the cgroup is left behind, delete --force cleans up: ", removed.error().message));
  }
}

Result<> record_init(pid_t pid, State& state, const Entry& entry) {
  auto stat = TRY(sys::process_stat(pid));
  if (!stat) return fail("the container's init died at once");
  state.pid = pid;
  state.start_ticks = stat->start_ticks;
  return entry.write(state);
}

}  // namespace bulkhead::runtime
