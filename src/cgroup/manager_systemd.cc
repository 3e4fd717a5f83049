#include "cgroup/manager_systemd.h"

#include <fcntl.h>

#include <algorithm>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/manager_v1.h"
#include "cgroup/manager_v2.h"
#include "cgroup/systemd_unit.h"

namespace bulkhead::cgroup {
namespace {

constexpr int kJobTimeoutMs = 30000;

std::vector<std::string> with_properties(std::vector<std::string> arguments,
                                         const std::vector<std::string>& properties) {
  for (const std::string& property : properties) {
    arguments.push_back("--property");
    arguments.push_back(property);
  }
  return arguments;
}

Result<std::vector<std::string>> all_properties(const spec::Resources& resources, Mode mode) {
  bool unified = mode == Mode::kUnified;
  auto properties = TRY(unit_properties(resources, unified));
  // v2: our own device program stands beside systemd's, which allows all by default.
  if (unified || resources.devices.empty()) return properties;
  std::string majors = TRY(read_file(AT_FDCWD, "/proc/devices"));
  for (std::string& property : device_properties(resources, majors))
    properties.push_back(std::move(property));
  return properties;
}

// One round trip: start, answer, end.
Result<std::string> ask(std::vector<std::string> arguments, int timeout_ms) {
  ScopeHelper helper;
  TRY(helper.start(std::move(arguments)));
  return helper.answer(timeout_ms);
}

}  // namespace

SystemdManager::SystemdManager(Mode mode, Location location)
    : mode_(mode), location_(std::move(location)) {
  if (!location_.path.empty()) [[maybe_unused]] auto opened = open_inner();
}

Result<> SystemdManager::open_inner() {
  Host host = TRY(find_host());
  if (mode_ == Mode::kUnified)
    inner_ = std::make_unique<UnifiedManager>(std::move(host), location_, Existing::kAdopt);
  else
    inner_ = std::make_unique<LegacyManager>(std::move(host), location_, Existing::kAdopt);
  return {};
}

Result<Manager*> SystemdManager::inner() const {
  if (inner_) return inner_.get();
  return std::unexpected(Error{ENOENT, cat("unit ", unit_name(location_), " has no cgroup")});
}

Result<> SystemdManager::prepare(const spec::Resources& resources) {
  if (holder_.running()) return {};
  auto properties = TRY(all_properties(resources, mode_));
  std::string unit = unit_name(location_);
  return holder_.start(
      with_properties({"start", "--unit", unit, "--slice", location_.slice, "--description",
                       cat("bulkhead container ", location_.name)},
                      properties));
}

Result<> SystemdManager::create(const spec::Resources& resources) {
  TRY(prepare(resources));
  auto path = holder_.answer(kJobTimeoutMs);
  if (!path) {
    holder_.finish();
    [[maybe_unused]] auto stopped = ask({"stop", "--unit", unit_name(location_)}, kJobTimeoutMs);
    return std::unexpected(std::move(path.error()).wrap(cat("start ", unit_name(location_))));
  }
  auto made = [&]() -> Result<> {
    // The path is systemd's, and goes into our opens: the same rules as for anyone's.
    location_.path = TRY(locate(*path, location_.name, false)).path;
    TRY(open_inner());
    return inner_->create(resources);
  }();
  if (made) return {};
  inner_.reset();
  holder_.finish();
  [[maybe_unused]] auto stopped = ask({"stop", "--unit", unit_name(location_)}, kJobTimeoutMs);
  location_.path.clear();
  return made;
}

void SystemdManager::entered() { holder_.finish(); }

Result<> SystemdManager::enter(pid_t pid, pid_t init) {
  TRY(TRY(inner())->enter(pid, init));
  entered();
  return {};
}

Result<Entrance> SystemdManager::entrance(pid_t init) { return TRY(inner())->entrance(init); }

Result<> SystemdManager::delegate(uid_t uid, gid_t gid) { return TRY(inner())->delegate(uid, gid); }

Result<> SystemdManager::update_unit(const spec::Resources& resources) {
  auto properties = TRY(all_properties(resources, mode_));
  if (properties.empty()) return {};
  TRY(ask(with_properties({"set", "--unit", unit_name(location_)}, properties), kJobTimeoutMs));
  return {};
}

// On v1 systemd writes "deny all" and then its list again whenever a property changes; the
// container stands still meanwhile, so that no open of an allowed device fails.
Result<> SystemdManager::update(const spec::Resources& resources) {
  Manager* fs = TRY(inner());
  bool hold = mode_ != Mode::kUnified && !TRY(fs->is_frozen());
  if (hold) TRY(fs->freeze(true));
  auto done = update_unit(resources);
  if (done) done = fs->update(resources);
  if (!hold) return done;
  auto thawed = fs->freeze(false);
  return done ? thawed : done;
}

Result<> SystemdManager::freeze(bool frozen) { return TRY(inner())->freeze(frozen); }

Result<bool> SystemdManager::is_frozen() const {
  if (!inner_) return false;
  return inner_->is_frozen();
}

Result<std::vector<pid_t>> SystemdManager::processes() const {
  if (!inner_) return std::vector<pid_t>();
  return inner_->processes();
}

Result<> SystemdManager::kill_all() {
  if (!inner_) return {};
  return inner_->kill_all();
}

// The unit goes by itself when its last process does; a stop makes sure of it, also of one that
// failed. What systemd did not make (controllers that it has no notion of) is removed by hand.
Result<> SystemdManager::destroy(int timeout_ms) {
  holder_.finish();
  auto stopped = ask({"stop", "--unit", unit_name(location_), "--timeout-ms", cat(timeout_ms)},
                     timeout_ms + 2000);
  if (inner_) {
    auto removed = inner_->destroy(timeout_ms);
    inner_.reset();
    if (!removed) return removed;
  }
  if (!stopped) return std::unexpected(std::move(stopped.error()).wrap("stop the unit"));
  return {};
}

Result<Stats> SystemdManager::stats() const { return TRY(inner())->stats(); }

Result<OomWatch> SystemdManager::watch_oom() const { return TRY(inner())->watch_oom(); }

Result<std::vector<View>> SystemdManager::views() const { return TRY(inner())->views(); }

std::vector<std::pair<std::string, std::string>> SystemdManager::paths() const {
  if (!inner_) return {};
  return inner_->paths();
}

}  // namespace bulkhead::cgroup
