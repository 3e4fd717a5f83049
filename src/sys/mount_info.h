// What the kernel knows of a mount: by statmount(2) and listmount(2) (6.8; O(1) in the number of
// mounts of the host), by /proc/self/mountinfo before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sys {

struct MountInfo {
  std::uint64_t id = 0;      // the unique id where the kernel has it, else mountinfo's
  std::uint64_t device = 0;  // makedev(major, minor) of the superblock
  std::string root;          // path of the mount's root in its file system
  std::string mount_point;   // in the caller's mount namespace
  std::string type;          // "ext4", "fuse.sshfs"
  std::string source;        // "/dev/vda1", "overlay" ("" where not asked)
  std::string options;       // of the superblock, "lowerdir=...,upperdir=...": octal escapes as the
                             // kernel wrote them, since a comma of a value is one; unescape_octal()
  std::string propagation;   // "shared", "master" (a slave), "unbindable"; "": private, or not asked
};

// The mount that `fd` (O_PATH is enough) is on. `with_options`: fill `options` and `source` too.
// Asks nothing of the file system itself: a FUSE server that is dead or hangs is no obstacle.
Result<MountInfo> mount_of(BorrowedFd fd, bool with_options);

// The mounts below the directory `path` (absolute, as fd_path() says it) of the caller's
// namespace, those over it excluded.
Result<std::vector<MountInfo>> mounts_below(BorrowedFd directory, const std::string& path);

// What a name in a directory is, a symlink not followed, without opening it.
struct NamedObject {
  std::uint32_t type = 0;  // S_IFMT of its mode
  std::uint64_t device = 0, inode = 0;
  std::uint64_t mount = 0;  // for comparison with other values of this function only
};
// nullopt: nothing has that name. "" is the directory itself.
Result<std::optional<NamedObject>> look_at(BorrowedFd directory, const char* name);

// "\040" -> " ".
std::string unescape_octal(std::string_view text);

// The text of a mountinfo file as values; for tests and the fallback. Undoes \040 escapes.
std::vector<MountInfo> parse_mountinfo(std::string_view text);

}  // namespace bulkhead::sys
