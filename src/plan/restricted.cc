// R4: bind sources are judged as objects, not as spellings. A source is refused when it is, lies
// in, or contains something restricted, compared by place in the file system (superblock and path
// within it), which symlinks, "..", bind aliases and volumes with o=bind do not change, and by
// inode, which hard links do not change.
#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

// File systems that are the kernel's interface: nothing of them goes into a container but what the
// runtime makes itself.
constexpr std::string_view kKernelFileSystems[] = {
    "proc",       "sysfs",   "devtmpfs", "cgroup",   "cgroup2",     "debugfs", "tracefs",
    "securityfs", "bpf",     "pstore",   "efivarfs", "configfs",    "fusectl", "devpts",
    "selinuxfs",  "binfmt_misc", "rpc_pipefs", "nfsd", "resctrl", "nsfs", "mqueue"};

bool is_kernel_interface(std::string_view fs_type) {
  return std::ranges::find(kKernelFileSystems, fs_type) != std::end(kKernelFileSystems);
}

std::unexpected<Error> restricted(const Object& object) {
  return refuse(cat("can't mount ", object.spelled,
                    " because it's configured as a restricted host mount"));
}

std::unexpected<Error> restricted(const Object& object, std::string_view what) {
  return refuse(cat("can't mount ", object.spelled,
                    " because it's configured as a restricted host mount (", what, ")"));
}

bool same_inode(const Object& a, const Object& b) {
  return a.inode != 0 && a.device == b.device && a.inode == b.inode;
}

bool lies_in(const Object& inner, const Object& outer) {
  return inner.fs_device == outer.fs_device && is_within(inner.fs_path, outer.fs_path);
}

// The object's path as if it were reached through the restricted path as configured, so that
// exceptions match whatever symlinks lead to an engine's data root.
std::string path_through(const Object& object, const Object& outer) {
  std::string_view rest = object.fs_path;
  rest.remove_prefix(outer.fs_path == "/" ? 0 : outer.fs_path.size());
  return outer.spelled + std::string(rest == "/" ? "" : rest);
}

bool is_excepted(const Object& object, const Object& outer, const policy::Policy& policy) {
  std::string path = path_through(object, outer);
  return std::ranges::any_of(policy.exceptions(), [&](const auto& pattern) {
    return policy::matches(pattern, path);
  });
}

// Is the object itself, or the place it lies in, restricted?
Result<> judge_object(const Object& object, const Object& as_asked, const policy::Policy& policy,
                      const Facts& facts) {
  for (const auto& outer : facts.restricted) {
    if (same_inode(object, outer) || lies_in(object, outer))
      if (!is_excepted(object, outer, policy)) return restricted(as_asked);
  }
  return {};
}

// Restricted things below a directory: refused, or given back as paths to mask.
Result<> judge_contents(const Object& directory, std::string_view below, const Object& as_asked,
                        const policy::Policy& policy, const Facts& facts,
                        std::vector<std::string>& masks) {
  for (const auto& inner : facts.restricted) {
    if (!lies_in(inner, directory) || inner.fs_path == directory.fs_path) continue;
    if (lies_in(directory, inner)) continue;  // judged above
    if (policy.parents() == policy::ParentRule::kRefuse)
      return restricted(as_asked, cat("it contains ", inner.spelled));
    std::string_view rest = inner.fs_path;
    rest.remove_prefix(directory.fs_path == "/" ? 0 : directory.fs_path.size());
    masks.push_back(cat(below, rest));
  }
  return {};
}

bool is_allowed_device(const Source& source, const policy::Policy& policy) {
  auto allows = [&](const auto& pattern) { return policy::matches(pattern, source.object.path); };
  return std::ranges::any_of(policy.devices(), allows) ||
         std::ranges::any_of(policy.exceptions(), allows);
}

}  // namespace

Result<std::vector<std::string>> judge_source(const Source& source, const policy::Policy& policy,
                                              const Facts& facts) {
  const Object& object = source.object;
  bool is_node = source.kind == Source::Kind::kBlockDevice || source.kind == Source::Kind::kCharDevice;
  if (is_node && is_allowed_device(source, policy)) return std::vector<std::string>();
  if (is_node || is_kernel_interface(object.fs_type)) return restricted(object);
  if (!source.engine_socket_of.empty())
    return restricted(object, cat("it is the socket of ", source.engine_socket_of));
  if (!source.hard_link_of.empty())
    return restricted(object, cat("it is a hard link of ", source.hard_link_of));
  TRY(judge_object(object, object, policy, facts));
  std::vector<std::string> masks;
  if (source.kind != Source::Kind::kDirectory) return masks;
  TRY(judge_contents(object, "", object, policy, facts, masks));
  for (const auto& below : source.mounts_below) {
    std::string_view rest = below.path;
    rest.remove_prefix(object.path == "/" ? 0 : object.path.size());
    if (is_kernel_interface(below.fs_type)) {
      if (policy.parents() == policy::ParentRule::kRefuse)
        return restricted(object, cat("it contains ", below.path));
      masks.emplace_back(rest);
      continue;
    }
    if (auto verdict = judge_object(below, object, policy, facts); !verdict) {
      if (policy.parents() == policy::ParentRule::kRefuse)
        return restricted(object, cat("it contains ", below.path));
      masks.emplace_back(rest);
      continue;
    }
    TRY(judge_contents(below, rest, object, policy, facts, masks));
  }
  return masks;
}

}  // namespace bulkhead::plan
