#include "cgroup/manager_v1.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "cgroup/apply.h"
#include "cgroup/cpuset_v1.h"
#include "cgroup/destroy.h"
#include "cgroup/device_filter.h"
#include "cgroup/enter.h"
#include "cgroup/files.h"
#include "cgroup/freezer.h"
#include "cgroup/oom.h"
#include "cgroup/stats_read.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

bool sets_throttle(const spec::Resources& resources) {
  if (!resources.block_io) return false;
  const spec::BlockIoResources& io = *resources.block_io;
  return !io.throttle_read_bps.empty() || !io.throttle_write_bps.empty() ||
         !io.throttle_read_iops.empty() || !io.throttle_write_iops.empty();
}

}  // namespace

LegacyManager::LegacyManager(Host host, Location location, Existing existing)
    : host_(std::move(host)), location_(std::move(location)), existing_(existing) {
  for (Hierarchy& hierarchy : host_.hierarchies) {
    std::string path = hierarchy.name + location_.path;
    groups_.push_back({hierarchy, open_directory(host_.root.get(), path.c_str())});
    if (!groups_.back().directory && errno != ENOENT) open_error_ = errno;
  }
}

BorrowedFd LegacyManager::find(std::string_view controller) const {
  for (const Group& group : groups_)
    if (group.hierarchy.has(controller)) return group.directory.get();
  return -1;
}

BorrowedFd LegacyManager::unified() const {
  for (const Group& group : groups_)
    if (group.hierarchy.unified) return group.directory.get();
  return -1;
}

Result<BorrowedFd> LegacyManager::any_group() const {
  for (const char* controller : {"freezer", "pids", "devices", "systemd"})
    if (BorrowedFd dir = find(controller); dir >= 0) return dir;
  for (const Group& group : groups_)
    if (group.directory) return group.directory.get();
  return std::unexpected(Error{ENOENT, cat("cgroup ", location_.path, " does not exist")});
}

// A child of a frozen cgroup is born frozen: the container would never start.
Result<> LegacyManager::refuse_frozen() const {
  BorrowedFd freezer = find("freezer"), v2 = unified();
  if ((freezer >= 0 && TRY(is_frozen_v1(freezer))) || (v2 >= 0 && TRY(is_frozen_v2(v2))))
    return fail(cat("cgroup ", location_.path, " lies below a frozen cgroup; thaw that first"));
  return {};
}

Result<> LegacyManager::set_up(const spec::Resources& resources) {
  auto settings = TRY(settings_v1(resources));
  DevicePolicy devices = TRY(device_policy(resources.devices));
  for (Group& group : groups_) {
    Made made = TRY(make_cgroup(host_.root.get(), group.hierarchy, location_.path, existing_));
    group.directory = std::move(made.directory);
    group.made = made.components;
  }
  TRY(refuse_frozen());
  for (const Group& group : groups_)
    if (group.hierarchy.has("cpuset"))
      TRY(inherit_cpuset(host_.root.get(), group.hierarchy.name + location_.path,
                         resources.cpu ? *resources.cpu : spec::CpuResources{}));
  TRY(apply_settings(settings, [this](std::string_view name) { return find(name); }));
  return apply_devices(devices, existing_ == Existing::kReplace);
}

Result<> LegacyManager::apply_devices(const DevicePolicy& policy, bool fresh) {
  if (fresh && policy.allows_all()) return {};
  if (BorrowedFd dir = find("devices"); dir >= 0) return apply_devices_v1(dir, policy, fresh);
  if (BorrowedFd dir = unified(); dir >= 0) return attach_device_filter(dir, policy);
  if (policy.allows_all()) return {};
  return fail("resources.devices: the cgroup controller \"devices\" is not available on this host");
}

Result<> LegacyManager::create(const spec::Resources& resources) {
  for (const std::string& warning : ignored_settings(resources, false)) log::warn(warning);
  throttled_ = sets_throttle(resources);
  auto done = set_up(resources);
  if (done) return {};
  for (Group& group : groups_) {
    group.directory.reset();
    unmake_cgroup(host_.root.get(), group.hierarchy, location_.path, std::exchange(group.made, 0));
  }
  return done;
}

Result<> LegacyManager::enter(pid_t pid, pid_t init) {
  TRY(any_group());
  std::string text = cat(pid);
  for (const Group& group : groups_) {
    if (!group.directory) continue;
    if (group.hierarchy.unified) {
      UniqueFd target =
          TRY(enterable(host_.root.get(), group.hierarchy.name, location_.path, init));
      TRY(move_process(target.get(), pid));
      continue;
    }
    int code = write_file(group.directory.get(), "cgroup.procs", text);
    if (code != 0)
      return fail_errno(cat("move process ", pid, " to cgroup ", group.hierarchy.name,
                            location_.path), code);
  }
  return {};
}

Result<Entrance> LegacyManager::entrance(pid_t init) {
  TRY(any_group());
  Entrance way;
  for (const Group& group : groups_) {
    std::string path = group.hierarchy.name + location_.path;
    if (!group.directory) continue;
    if (group.hierarchy.unified) {
      way.clone_into = TRY(enterable(host_.root.get(), group.hierarchy.name, location_.path, init));
      continue;
    }
    UniqueFd tasks(openat(group.directory.get(), "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!tasks) return fail_errno(cat("open tasks of cgroup ", path));
    way.tasks.push_back(std::move(tasks));
  }
  return way;
}

bool LegacyManager::may_delegate(const Group& group) const {
  const Hierarchy& hierarchy = group.hierarchy;
  return !hierarchy.has("net_cls") && !hierarchy.has("net_prio") &&
         !(hierarchy.has("blkio") && throttled_);
}

Result<> LegacyManager::delegate(uid_t uid, gid_t gid) {
  TRY(any_group());
  for (const Group& group : groups_) {
    if (!group.directory || !may_delegate(group)) continue;
    TRY_IN(cat("delegate cgroup ", group.hierarchy.name, location_.path),
           give_away(group.directory.get(), group.hierarchy.unified, uid, gid));
  }
  return {};
}

Result<> LegacyManager::update(const spec::Resources& resources) {
  TRY(any_group());
  for (const std::string& warning : ignored_settings(resources, false)) log::warn(warning);
  if (BorrowedFd blkio = find("blkio");
      sets_throttle(resources) && blkio >= 0 && is_given_away(blkio))
    return fail("resources.blockIO: a throttle limit cannot be set on a running container: on "
                "cgroup v1 it would not reach the sub-cgroups that the container may have made; "
                "set it when the container is created");
  auto settings = TRY(settings_v1(resources));
  DevicePolicy devices = TRY(device_policy(resources.devices));
  TRY(apply_settings(settings, [this](std::string_view name) { return find(name); }));
  if (resources.devices.empty()) return {};
  return apply_devices(devices, false);
}

Result<> LegacyManager::freeze(bool frozen) {
  if (BorrowedFd dir = find("freezer"); dir >= 0) return freeze_v1(dir, frozen);
  if (BorrowedFd dir = unified(); dir >= 0) return freeze_v2(dir, frozen);
  TRY(any_group());
  return fail("the cgroup controller \"freezer\" is not available on this host");
}

Result<bool> LegacyManager::is_frozen() const {
  if (BorrowedFd dir = find("freezer"); dir >= 0) return is_frozen_v1(dir);
  if (BorrowedFd dir = unified(); dir >= 0) return is_frozen_v2(dir);
  return false;
}

Result<std::vector<pid_t>> LegacyManager::processes() const {
  auto dir = any_group();
  if (!dir) return std::vector<pid_t>();
  return processes_below(*dir);
}

Result<Stats> LegacyManager::stats() const {
  TRY(any_group());
  return read_stats_v1([this](std::string_view name) { return find(name); });
}

Result<OomWatch> LegacyManager::watch_oom() const {
  BorrowedFd dir = find("memory");
  if (dir < 0) return fail("the container has no cgroup of the memory controller");
  return OomWatch::open_v1(dir);
}

// Hybrid hosts kill by cgroup.kill, which no fork outruns. What the v1 freezer holds dies only when
// it thaws. A process that was put into v1's hierarchies alone is seen by not being in cgroup2's
// list, which is read first: one that ends in between is in neither then.
Result<> LegacyManager::kill_all() {
  BorrowedFd freezer = find("freezer"), v2 = unified();
  BorrowedFd dir = freezer >= 0 ? freezer : any_group().value_or(-1);
  if (dir < 0) return {};
  if (v2 < 0 || dir == v2) return v2 < 0 ? kill_all_v1(dir, dir == freezer) : kill_all_v2(v2);
  auto killed = kill_all_v2(v2);
  if (!killed && killed.error().code != ENOENT && killed.error().code != ENODEV) return killed;
  if (freezer >= 0) TRY(thaw_all_v1(freezer));
  auto doomed = killed ? TRY(processes_below(v2)) : std::vector<pid_t>();
  auto listed = TRY(processes_below(dir));
  if (std::ranges::includes(doomed, listed)) return {};
  return kill_all_v1(dir, dir == freezer);
}

Result<> LegacyManager::destroy(int timeout_ms) {
  std::vector<std::string> paths;
  for (Group& group : groups_) {
    group.directory.reset();
    paths.push_back(group.hierarchy.name + location_.path);
  }
  return remove_trees(host_.root.get(), std::move(paths), timeout_ms);
}

Result<std::vector<View>> LegacyManager::views() const {
  std::vector<View> all;
  for (const Group& group : groups_) {
    if (!group.directory) continue;
    UniqueFd copy(fcntl(group.directory.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy) return fail_errno("duplicate a cgroup's descriptor");
    all.push_back({group.hierarchy.name, std::move(copy), is_given_away(group.directory.get())});
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> LegacyManager::paths() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Group& group : groups_) {
    std::string path = cat(kMountPoint, "/", group.hierarchy.name, location_.path);
    for (std::string_view name : split(group.hierarchy.name, ','))
      all.emplace_back(group.hierarchy.unified ? ""
                       : name == "systemd"     ? "name=systemd"
                                               : name,
                       path);
  }
  return all;
}

}  // namespace bulkhead::cgroup
