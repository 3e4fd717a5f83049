// R4: bind sources are judged as objects, not as spellings. A source is refused when it is, lies
// in, or contains something restricted, compared by place in the file system (superblock and path
// within it), which symlinks, "..", bind aliases and volumes with o=bind do not change, and by
// inode, which hard links do not change.
#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"
#include "policy/pattern.h"

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

bool same_inode(const Object& a, const Object& b) {
  return a.inode != 0 && a.device == b.device && a.inode == b.inode;
}

bool lies_in(const Object& inner, const Object& outer) {
  return inner.fs_device == outer.fs_device && is_within(inner.fs_path, outer.fs_path);
}

// Whether a mask keeps a container that can write to `below`'s parents away from it: what is not
// there could be made, and a directory on the way to it could be renamed and replaced.
bool holds_in_writable(std::string_view below, bool exists) {
  return exists && below.find('/', 1) == std::string_view::npos;
}

// The object's path as if it were reached through the restricted path as configured, so that
// exceptions match whatever symlinks lead to an engine's data root. A hard link or another view of
// the restricted object itself does not lie in it: it is the object, under any name.
std::string path_through(const Object& object, const Object& outer) {
  if (!lies_in(object, outer)) return outer.spelled;
  std::string_view rest = object.fs_path;
  rest.remove_prefix(outer.fs_path == "/" ? 0 : outer.fs_path.size());
  return outer.spelled + std::string(rest == "/" ? "" : rest);
}

struct Judge {
  const Source& source;
  Access access;
  const policy::Policy& policy;
  const Facts& facts;
  std::vector<std::string> masks;

  std::unexpected<Error> restricted(std::string_view detail = "") const {
    return refuse(cat("can't mount ", source.object.spelled,
                      " because it's configured as a restricted host mount",
                      detail.empty() ? "" : cat(" (", detail, ")")));
  }

  bool applies(std::size_t index, bool writable) const {
    return writable || policy.restricted[index].scope == policy::RestrictedPath::Scope::kAlways;
  }

  bool is_excepted(std::string_view path) const {
    return std::ranges::any_of(policy.exceptions, [&](const policy::Exception& exception) {
      return policy::matches(exception.path, path) &&
             (exception.bundle.empty() || policy::matches(exception.bundle, facts.bundle));
    });
  }

  // A node whose device the policy allows, or an exception names (the harmless standard ones).
  bool is_allowed_node() const {
    return !source.device_name.empty() &&
           (policy::is_device_allowed(policy, source.device_name) || is_excepted(source.device_name));
  }

  // Whether the object is, or lies in, something restricted.
  bool is_restricted(const Object& object, bool writable) const {
    for (std::size_t i = 0; i < facts.restricted.size(); ++i) {
      const Object& outer = facts.restricted[i];
      if (applies(i, writable) && (same_inode(object, outer) || lies_in(object, outer)) &&
          !is_excepted(path_through(object, outer)))
        return true;
    }
    return std::ranges::any_of(facts.restricted_mounts, [&](const RestrictedMount& mount) {
      return applies(mount.restricted, writable) && lies_in(object, mount.object) &&
             !is_excepted(path_through(object, mount.object));
    });
  }

  // Something restricted at `below` (relative to the source): the whole is refused, or it is masked.
  Result<> hide(std::string below, std::string_view what, bool mask_holds) {
    if (policy.parents == policy::Parents::kRefuse) return restricted(cat("it contains ", what));
    if (!mask_holds)
      return restricted(cat("it contains ", what, ", which no mask protects in a writable mount"));
    masks.push_back(std::move(below));
    return {};
  }

  Result<> judge_content(const Object& inner, const Object& directory, std::string_view below, bool writable) {
    if (!lies_in(inner, directory) || inner.fs_path == directory.fs_path) return {};
    std::string_view rest = inner.fs_path;
    rest.remove_prefix(directory.fs_path == "/" ? 0 : directory.fs_path.size());
    std::string path = cat(below, rest);
    return hide(path, inner.spelled, !writable || holds_in_writable(path, inner.inode != 0));
  }

  Result<> judge_contents(const Object& directory, std::string_view below, bool writable) {
    for (std::size_t i = 0; i < facts.restricted.size(); ++i)
      if (applies(i, writable)) TRY(judge_content(facts.restricted[i], directory, below, writable));
    for (const auto& mount : facts.restricted_mounts)
      if (applies(mount.restricted, writable) && !is_excepted(mount.object.spelled))
        TRY(judge_content(mount.object, directory, below, writable));
    return {};
  }

  Result<> judge_mount_below(const Object& mount) {
    std::string_view rest = mount.path;
    rest.remove_prefix(source.object.path == "/" ? 0 : source.object.path.size());
    bool writable = access.writable_below;
    if (is_kernel_interface(mount.fs_type)) return hide(std::string(rest), mount.path, true);
    if (is_restricted(mount, writable))
      return hide(std::string(rest), mount.path, !writable || holds_in_writable(rest, true));
    return judge_contents(mount, rest, writable);
  }
};

}  // namespace

Result<std::vector<std::string>> judge_source(const Source& source, Access access,
                                              const policy::Policy& policy, const Facts& facts) {
  Judge judge{source, access, policy, facts};
  const Object& object = source.object;
  bool is_node = source.kind == Source::Kind::kBlockDevice || source.kind == Source::Kind::kCharDevice;
  // A node is judged by the device that it opens, wherever it lies: one in a volume may be a disk.
  if (is_node && judge.is_allowed_node()) return judge.masks;
  if (is_node || is_kernel_interface(object.fs_type)) return judge.restricted();
  // Sockets that the guard makes, one for a container whose image it has judged, are exceptions.
  bool is_handed_out = source.engine_socket_of == "bulkhead-guard" && judge.is_excepted(object.path);
  if (!source.engine_socket_of.empty() && !is_handed_out)
    return judge.restricted(cat("it is the socket of ", source.engine_socket_of));
  if (!source.hard_link_of.empty())
    return judge.restricted(cat("it is a hard link of ", source.hard_link_of));
  if (judge.is_restricted(object, access.writable)) return judge.restricted();
  if (source.kind != Source::Kind::kDirectory) return judge.masks;
  TRY(judge.judge_contents(object, "", access.writable));
  for (const auto& mount : source.mounts_below) TRY(judge.judge_mount_below(mount));
  for (const auto& socket : source.engine_sockets_below)
    TRY(judge.hide(socket.path, cat("the socket of ", socket.spelled, ", ", socket.path.substr(1)), false));
  return judge.masks;
}

}  // namespace bulkhead::plan
