#include "cgroup/manager_v2.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "cgroup/apply.h"
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

void enable(BorrowedFd dir, const std::string& path, std::string_view controllers) {
  std::string file = path + "/cgroup.subtree_control", all;
  for (std::string_view name : split(controllers, ' '))
    all += cat(all.empty() ? "+" : " +", name);
  if (write_file(dir, file.c_str(), all) == 0) return;
  for (std::string_view name : split(controllers, ' '))
    (void)write_file(dir, file.c_str(), cat("+", name));
}

// `update --check-before-update`: a limit below what is in use would have the kernel reclaim and
// then kill.
Result<> check_usage(BorrowedFd dir, const spec::Resources& resources) {
  if (!resources.memory || !resources.memory->check_before_update.value_or(false)) return {};
  std::int64_t limit = resources.memory->limit.value_or(0);
  if (limit <= 0) return {};
  std::uint64_t used = TRY(read_number(dir, "memory.current"));
  if (used > static_cast<std::uint64_t>(limit))
    return fail(cat("resources.memory.limit: ", limit, " is below the ", used, " bytes in use"));
  return {};
}

}  // namespace

Result<> enable_controllers(BorrowedFd root, const std::string& path) {
  std::string wanted = TRY(read_file(root, "cgroup.controllers"));
  std::string have = TRY(read_file(root, cat(".", path, "/cgroup.controllers").c_str()));
  if (trim(wanted).empty() || wanted == have) return {};
  for (std::size_t end = 0; end != std::string::npos; end = path.find('/', end + 1))
    enable(root, cat(".", path.substr(0, end)), trim(wanted));
  return {};
}

UnifiedManager::UnifiedManager(Host host, Location location, Existing existing)
    : host_(std::move(host)), location_(std::move(location)), existing_(existing) {
  directory_ = open_directory(host_.root.get(), cat(".", location_.path).c_str());
  if (!directory_ && errno != ENOENT) open_error_ = errno;
}

Result<> UnifiedManager::must_exist() const {
  if (directory_) return {};
  return std::unexpected(Error{ENOENT, cat("cgroup ", location_.path, " does not exist")});
}

Result<> UnifiedManager::apply(const spec::Resources& resources) {
  auto settings = TRY(settings_v2(resources));
  DevicePolicy devices = TRY(device_policy(resources.devices));
  TRY(apply_settings(settings, [this](std::string_view) { return directory_.get(); }));
  if (resources.devices.empty()) return {};
  return attach_device_filter(directory_.get(), devices);
}

Result<> UnifiedManager::set_up(const spec::Resources& resources) {
  TRY(settings_v2(resources));  // a value that can be refused is so before anything is made
  Made made = TRY(make_cgroup(host_.root.get(), host_.hierarchies[0], location_.path, existing_));
  directory_ = std::move(made.directory);
  made_ = made.components;
  if (TRY(is_frozen_v2(directory_.get())))
    return fail(cat("cgroup ", location_.path, " is frozen, or lies below one that is; thaw it"));
  TRY(enable_controllers(host_.root.get(), location_.path));
  int code = write_file(directory_.get(), "cgroup.max.descendants", cat(limits::kCgroups));
  if (code != 0) return fail_errno("write to cgroup.max.descendants", code);
  return apply(resources);
}

Result<> UnifiedManager::create(const spec::Resources& resources) {
  for (const std::string& warning : ignored_settings(resources, true)) log::warn(warning);
  auto done = set_up(resources);
  if (done) return {};
  directory_.reset();
  unmake_cgroup(host_.root.get(), host_.hierarchies[0], location_.path, std::exchange(made_, 0));
  return done;
}

Result<> UnifiedManager::enter(pid_t pid, pid_t init) {
  TRY(must_exist());
  UniqueFd target = TRY(enterable(host_.root.get(), ".", location_.path, init));
  return move_process(target.get(), pid);
}

Result<Entrance> UnifiedManager::entrance(pid_t init) {
  TRY(must_exist());
  Entrance way;
  way.clone_into = TRY(enterable(host_.root.get(), ".", location_.path, init));
  return way;
}

Result<> UnifiedManager::delegate(uid_t uid, gid_t gid) {
  TRY(must_exist());
  TRY_IN(cat("delegate cgroup ", location_.path), give_away(directory_.get(), true, uid, gid));
  return {};
}

Result<> UnifiedManager::update(const spec::Resources& resources) {
  TRY(must_exist());
  for (const std::string& warning : ignored_settings(resources, true)) log::warn(warning);
  TRY(check_usage(directory_.get(), resources));
  return apply(resources);
}

Result<> UnifiedManager::freeze(bool frozen) {
  TRY(must_exist());
  return freeze_v2(directory_.get(), frozen);
}

Result<bool> UnifiedManager::is_frozen() const {
  if (!directory_) return false;
  return is_frozen_v2(directory_.get());
}

Result<std::vector<pid_t>> UnifiedManager::processes() const {
  if (!directory_) return std::vector<pid_t>();
  return processes_below(directory_.get());
}

Result<> UnifiedManager::kill_all() {
  if (!directory_) return {};
  auto killed = kill_all_v2(directory_.get());
  if (killed || (killed.error().code != ENOENT && killed.error().code != ENODEV)) return killed;
  return kill_all_v1(directory_.get(), false);
}

Result<> UnifiedManager::destroy(int timeout_ms) {
  directory_.reset();
  return remove_trees(host_.root.get(), {cat(".", location_.path)}, timeout_ms);
}

Result<Stats> UnifiedManager::stats() const {
  TRY(must_exist());
  return read_stats_v2(directory_.get());
}

Result<OomWatch> UnifiedManager::watch_oom() const {
  TRY(must_exist());
  return OomWatch::open_v2(directory_.get());
}

Result<std::vector<View>> UnifiedManager::views() const {
  TRY(must_exist());
  std::vector<View> all;
  UniqueFd copy(fcntl(directory_.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy) return fail_errno("duplicate a cgroup's descriptor");
  all.push_back({"", std::move(copy), is_given_away(directory_.get())});
  return all;
}

std::vector<std::pair<std::string, std::string>> UnifiedManager::paths() const {
  return {{"", cat(kMountPoint, location_.path)}};
}

}  // namespace bulkhead::cgroup
