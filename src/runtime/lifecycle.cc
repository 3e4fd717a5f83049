#include "runtime/lifecycle.h"

#include <poll.h>
#include <signal.h>

#include "base/log.h"
#include "base/strings.h"
#include "runtime/hooks.h"
#include "runtime/host_view.h"
#include "runtime/leases.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

Result<> wait_for_end(const State& state, int timeout_ms) {
  auto init = open_init(state);
  if (!init) return {};  // gone already
  pollfd end{init->get(), POLLIN, 0};
  int ready;
  do ready = ::poll(&end, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) return fail(cat("container \"", state.id, "\": its init does not die"));
  return {};
}

Result<> kill_everything(const State& state, cgroup::Manager& manager) {
  if (auto init = open_init(state)) [[maybe_unused]] auto sent = sys::signal_pidfd(init->get(), SIGKILL);
  if (auto killed = manager.kill_all(); !killed)
    log::debug(cat("kill by cgroup: ", killed.error().message));
  return wait_for_end(state, kDeleteTimeoutMs / 2);
}

// What is still known of a container whose state cannot be read. Without a state file it died between
// mkdir and the first write, when nothing but its ids was taken. A damaged one leaves the cgroup that
// the configuration names, which all of its processes are in, and the view over its root, whose keeper
// ends with it.
State remains_of(const Context& context, const Entry& entry, int code) {
  State state{.id = entry.id(), .systemd = context.systemd_cgroup};
  if (code == ENOENT) return state;
  auto config = entry.config();
  if (!config) return state;
  if (auto found = cgroup::locate(config->linux_.cgroups_path, state.id, state.systemd))
    state.cgroup = std::move(*found);
  if (config->root && config->root->path.starts_with('/')) state.rootfs = config->root->path;
  return state;
}

// Ends the processes and gives back what the state names.
Result<> dismantle(const State& state) {
  std::unique_ptr<cgroup::Manager> manager;
  if (!state.cgroup.path.empty() || !state.cgroup.name.empty()) {
    manager = TRY(cgroup::make_manager(state.cgroup));
    TRY(kill_everything(state, *manager));
  }
  TRY(remove_host_view(state));  // the engine's own mount shows again, for it to unmount
  if (manager) TRY(manager->destroy(kDeleteTimeoutMs / 2));
  return release_ids(state);
}

}  // namespace

Result<Loaded> load(const Context& context, std::string_view id) {
  Entry entry = TRY(context.store.find(id));
  State state = TRY_IN(cat("container \"", id, "\""), entry.read());
  return Loaded{std::move(entry), std::move(state)};
}

Result<UniqueFd> open_init(const State& state) {
  if (state.pid <= 0) return fail("container not running");
  UniqueFd pidfd = TRY_IN("container not running", sys::open_pidfd(state.pid));
  if (!is_alive(state)) return fail("container not running");
  return pidfd;
}

Result<> destroy(const Context& context, std::string_view id, bool force) {
  auto found = context.store.find(id);
  if (!found) return force && found.error().code == 0 && found.error().message.ends_with("does not exist")
                         ? Result<>()
                         : std::unexpected(std::move(found).error());
  Entry entry = std::move(*found);
  TRY(entry.lock());
  auto state = entry.read();
  if (!state) {
    std::string name = cat("container \"", id, "\"");
    if (!force) return std::unexpected(std::move(state).error().wrap(name));
    TRY_IN(name, dismantle(remains_of(context, entry, state.error().code)));
    return entry.remove();
  }
  Status status = TRY(status_of(entry, *state));
  bool may_delete = force || status == Status::kStopped || status == Status::kCreated;
  if (!may_delete)
    return fail(cat("cannot delete container ", id, " that is not stopped: ", name(status)));
  TRY(dismantle(*state));
  if (auto config = entry.config())
    run_late_hooks(config->hooks.poststop, *state, "stopped", config->annotations);
  return entry.remove();
}

Result<> start(const Context& context, std::string_view id) {
  auto container = TRY(load(context, id));
  TRY(container.entry.lock());
  Status status = TRY(status_of(container.entry, container.state));
  if (status == Status::kStopped) return fail("cannot start a container that has stopped");
  if (status != Status::kCreated)
    return fail(cat("cannot start a container that is ", name(status), ", not created"));
  TRY(container.entry.start());
  auto config = TRY(container.entry.config());
  run_late_hooks(config.hooks.poststart, container.state, "running", config.annotations);
  return {};
}

}  // namespace bulkhead::runtime
