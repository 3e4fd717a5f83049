// The spec's mounts as steps, in the spec's order.
#include <sys/mount.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

// Files that may be bound over ones of /proc, as the specification's reference runtime allows.
constexpr std::string_view kProcOverrides[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
    "/proc/swaps",   "/proc/uptime",    "/proc/loadavg", "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid", "/proc/net/dev"};

constexpr std::string_view kFileSystems[] = {"proc", "sysfs", "mqueue", "devpts", "tmpfs"};

Result<> check_destination(const spec::Mount& mount, const std::string& target, bool is_bind) {
  if (target == "/proc" && (is_bind || mount.type != "proc"))
    return refuse(cat("mounts: /proc must be of type proc, not ", is_bind ? "a bind" : mount.type));
  if (target == "/") return refuse("mounts: destination / would hide the root file system");
  if (!is_within(target, "/proc") || target == "/proc") return {};
  if (is_bind && std::ranges::find(kProcOverrides, target) != std::end(kProcOverrides)) return {};
  return refuse(cat("mounts: ", target, " cannot be mounted because it is inside /proc"));
}

bool wants_idmap(const spec::Mount& mount) {
  return !mount.uid_mappings.empty() || std::ranges::any_of(mount.options, [](const auto& option) {
           return option == "idmap" || option == "ridmap";
         });
}

Result<> plan_bind(const spec::Spec& spec, std::size_t index, const std::string& target, MountFlags flags,
                   const policy::Policy& policy, const Facts& facts, Plan& plan) {
  if (index >= facts.sources.size() || !facts.sources[index])
    return refuse(cat("mounts: no source for ", target));
  const Source& source = *facts.sources[index];
  bool all_readonly = flags.recursive_set & MOUNT_ATTR_RDONLY;
  Access access{.writable = !(flags.set & MOUNT_ATTR_RDONLY) && !all_readonly,
                .writable_below = !all_readonly};
  auto masks = TRY(judge_source(source, access, policy, facts));
  bool is_directory = source.kind == Source::Kind::kDirectory;
  bool is_node = source.kind == Source::Kind::kCharDevice || source.kind == Source::Kind::kBlockDevice;
  plan.steps.push_back(MountBind{.target = target,
                                 .source = index,
                                 .source_path = source.object.spelled,
                                 .flags = std::move(flags),
                                 .idmapped = !is_node && (!is_mapped_by_engine(spec) ||
                                                          wants_idmap(spec.mounts[index])),
                                 .is_node = is_node,
                                 .unmapped_readonly = policy.unmappable_mounts ==
                                                       policy::UnmappableMounts::kUnmappedReadonly,
                                  .into_proc = is_within(target, "/proc"),
                                 .is_directory = is_directory});
  for (const auto& mask : masks) plan.steps.push_back(MaskPath{target + mask});
  return {};
}

Result<> plan_mount(const spec::Spec& spec, std::size_t index, const policy::Policy& policy,
                    const Facts& facts, Plan& plan) {
  const spec::Mount& mount = spec.mounts[index];
  std::string target = clean_path(mount.destination);
  MountFlags flags = TRY(decode_options(mount.options));
  TRY(check_destination(mount, target, is_bind(mount)));
  if (is_bind(mount)) return plan_bind(spec, index, target, std::move(flags), policy, facts, plan);
  if (mount.type == "cgroup" || mount.type == "cgroup2") {
    plan.steps.push_back(MountCgroup{target, std::move(flags), plan.runs_init_system});
  } else if (std::ranges::find(kFileSystems, mount.type) != std::end(kFileSystems)) {
    plan.steps.push_back(MountFileSystem{target, mount.type, mount.source, std::move(flags)});
  } else {
    return refuse(cat("mounts: type \"", mount.type, "\" of ", target,
                      " is not supported (bind, tmpfs, proc, sysfs, devpts, mqueue, cgroup are)"));
  }
  return {};
}

}  // namespace

bool is_bind(const spec::Mount& mount) {
  return mount.type == "bind" || std::ranges::any_of(mount.options, [](const auto& option) {
           return option == "bind" || option == "rbind";
         });
}

bool is_mapped_by_engine(const spec::Spec& spec) {
  return !spec.linux_.uid_mappings.empty() || !spec.linux_.gid_mappings.empty();
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string out;
  for (std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

Result<> plan_mounts(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts,
                     Plan& plan) {
  if (spec.mounts.size() > limits::kMounts)
    return refuse(cat("mounts: more than ", limits::kMounts));
  for (std::size_t i = 0; i < spec.mounts.size(); ++i)
    TRY(plan_mount(spec, i, policy, facts, plan));
  return {};
}

}  // namespace bulkhead::plan
