// What a plan needs to know of the host, gathered beforehand by runtime/facts.cc. Plain values: a
// plan can be made and tested without root and without a kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::plan {

// An object of the host's file systems, named in three ways: as somebody spelled it, as the kernel
// resolved it, and by its place in its own file system, which bind aliases cannot change.
struct Object {
  std::string spelled;     // as in config.json or the policy
  std::string path;        // resolved in the host's mount namespace
  std::uint64_t device = 0, inode = 0;  // 0, 0: does not exist (yet)
  std::uint64_t fs_device = 0;          // of the superblock, as mountinfo tells it
  std::string fs_path;                  // path within the file system
  std::string fs_type;
};

struct Source {  // of a bind mount
  Object object;
  enum class Kind { kDirectory, kFile, kSocket, kFifo, kBlockDevice, kCharDevice, kSymlink };
  Kind kind = Kind::kDirectory;
  // Of device nodes: the kernel's own name of the device, "/dev/fuse", whatever path the node was
  // found or asked for under; empty when the host has no such device.
  std::string device_name;
  std::uint32_t major = 0, minor = 0;
  std::vector<Object> mounts_below;    // `path` is the mount point
  // A restricted file that this one is a hard link of, and the engine that listens on this socket.
  std::string hard_link_of, engine_socket_of;
  // Engines' sockets in this directory; `path` is relative to it, `spelled` the engine's name.
  std::vector<Object> engine_sockets_below;
};

// A mount inside of a restricted directory: another file system's place, restricted all the same
// (another container's root below an engine's data root).
struct RestrictedMount {
  std::size_t restricted = 0;  // index into Facts::restricted
  Object object;               // `spelled`: the mount point as reached through the restricted path
};

struct JoinedNamespace {
  std::string type, path;
  bool is_host = false;        // the host's own
  bool owner_is_host = false;  // belongs to the initial user namespace
  bool of_process = false;     // named by /proc/PID/ns, not a bind-mounted file of an engine
  std::uint64_t owner = 0;     // inode of the owning user namespace
  bool owner_is_bulkhead = false;
};

struct Facts {
  std::vector<std::optional<Source>> sources;  // per spec mount; empty unless it is a bind
  std::vector<Object> restricted;              // the policy's restricted paths, same order
  std::vector<RestrictedMount> restricted_mounts;
  std::string bundle;                          // resolved; engines choose it, API users cannot
  std::vector<JoinedNamespace> joined;         // namespaces of the spec that have a path
  std::string root_fs_type;                    // of root.path
  std::vector<std::string> data_directories;   // of the policy's those that the image asks for
  std::vector<std::string> device_names;       // per spec device, as Source::device_name
  bool has_apparmor = false, has_selinux = false;
};

}  // namespace bulkhead::plan
