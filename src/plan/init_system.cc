// An init system as the container's first process (R8). What the container interface of systemd asks of
// a container manager, so that `docker run IMAGE /sbin/init` boots with and without --privileged: a
// tmpfs on /run and /run/lock (an init without CAP_SYS_ADMIN cannot mount them and gives up),
// $container, and its own cgroup hierarchy writable.
#include <sys/mount.h>

#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

constexpr std::string_view kInits[] = {"/sbin/init",           "/usr/sbin/init",
                                       "/usr/local/sbin/init", "/lib/systemd/systemd",
                                       "/usr/lib/systemd/systemd", "/bin/systemd"};

// File systems that only the host's root may mount. systemd's units for them look for CAP_SYS_RAWIO,
// which a privileged container has in its own user namespace, and fail; a mount that is there already
// is what they want. The directories are empty in sysfs, so that covering them does not keep a sysfs
// from being mounted inside.
constexpr const char* kHostOnly[] = {"/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/config"};

struct Place {
  const char *target, *mode, *size;
  std::uint64_t attributes;
};
constexpr std::uint64_t kNoDevices = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr Place kPlaces[] = {{"/run", "755", "20%", kNoDevices},
                             {"/run/lock", "1777", "5m", kNoDevices | MOUNT_ATTR_NOEXEC}};

bool is_init(std::string_view program) { return std::ranges::find(kInits, program) != std::end(kInits); }

bool is_mounted_by(const spec::Spec& spec, std::string_view target) {
  return std::ranges::any_of(spec.mounts,
                             [&](const auto& mount) { return clean_path(mount.destination) == target; });
}

}  // namespace

// The program itself, or a script of the image that is given an init to end in (kind: "entrypoint
// /sbin/init").
bool runs_init_system(const spec::Process& process) {
  const auto& args = process.args;
  if (args.empty() || is_init(args.front()) || args.front() == "init") return !args.empty();
  return args.front().starts_with('/') && std::ranges::any_of(args, is_init);
}

void plan_init_places(const spec::Spec& spec, Plan& plan) {
  if (!plan.runs_init_system) return;
  for (const auto& place : kPlaces)
    if (!is_mounted_by(spec, place.target))
      plan.steps.push_back(MountFileSystem{.target = place.target,
                                           .type = "tmpfs",
                                           .source = "tmpfs",
                                           .flags = {.set = place.attributes,
                                                     .data = {{"mode", place.mode}, {"size", place.size}}}});
  const auto& env = spec.process->env;
  if (std::ranges::none_of(env, [](const auto& entry) { return entry.starts_with("container="); }))
    plan.environment.emplace_back("container=oci");  // "look yourself": /.dockerenv, /run/.containerenv
}

void plan_init_masks(Plan& plan) {
  if (!plan.runs_init_system) return;
  for (const char* path : kHostOnly) plan.steps.push_back(MaskPath{path});
}

}  // namespace bulkhead::plan
