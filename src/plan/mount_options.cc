// fstab-style options of the OCI specification to mount attributes.
#include <sys/mount.h>

#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

struct Option {
  std::string_view name;
  std::uint64_t set, clear;
};

// MOUNT_ATTR__ATIME is a field, not a bit: setting one of its values clears the field first.
constexpr Option kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct Propagation {
  std::string_view name;
  std::uint64_t flag;
};
constexpr Propagation kPropagations[] = {
    {"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE},
};

// Accepted and without an effect here: defaults, and superblock flags that mount(2) takes.
constexpr std::string_view kIgnored[] = {"defaults", "async",  "nomand",  "loud",  "silent",
                                         "auto",     "noauto", "nofail",  "user",  "nouser",
                                         "iversion", "noiversion", "mand", "z",     "Z",  "U",
                                         "private-dev", "remount", "nocopy", "copy",
                                         // superblock flags without a meaning for binds and kernel file systems
                                         "sync", "dirsync",
                                         // every mount is idmapped to the container's user namespace already
                                         "idmap", "ridmap"};

bool is_ignored(std::string_view text) {
  return std::ranges::find(kIgnored, text) != std::end(kIgnored) || text.starts_with("x-") ||
         text.starts_with("X-");
}

void apply(const Option& option, std::uint64_t& set, std::uint64_t& clear) {
  clear |= option.clear;
  set &= ~option.clear;
  set |= option.set;
  if (!(option.clear & MOUNT_ATTR__ATIME)) clear &= ~option.set;
}

bool decode_attribute(std::string_view text, MountFlags& flags) {
  for (const auto& option : kAttributes) {
    if (text == option.name) return apply(option, flags.set, flags.clear), true;
    if (text.size() == option.name.size() + 1 && text[0] == 'r' && text.substr(1) == option.name)
      return apply(option, flags.recursive_set, flags.recursive_clear), true;
  }
  return false;
}

bool decode_propagation(std::string_view text, MountFlags& flags) {
  for (const auto& propagation : kPropagations) {
    bool recursive = text.size() == propagation.name.size() + 1 && text[0] == 'r';
    if (text.substr(recursive) != propagation.name) continue;
    flags.propagation = propagation.flag;
    flags.propagation_recursive = recursive;
    return true;
  }
  return false;
}

}  // namespace

Result<MountFlags> decode_options(const std::vector<std::string>& options) {
  MountFlags flags;
  for (std::string_view text : options) {
    if (text == "bind") {
      flags.bind = true;
    } else if (text == "rbind") {
      flags.bind = flags.recursive = true;
    } else if (text == "tmpcopyup") {
      flags.copy_up = true;
    } else if (!decode_attribute(text, flags) && !decode_propagation(text, flags) && !is_ignored(text)) {
      auto at = text.find('=');
      flags.data.emplace_back(text.substr(0, at),
                              at == std::string_view::npos ? "" : text.substr(at + 1));
    }
  }
  return flags;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> names{"bind", "rbind", "idmap", "ridmap", "tmpcopyup"};
  for (const auto& option : kAttributes) {
    names.emplace_back(option.name);
    names.push_back(cat("r", option.name));
  }
  for (const auto& propagation : kPropagations) {
    names.emplace_back(propagation.name);
    names.push_back(cat("r", propagation.name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace bulkhead::plan
