// The mount of the engine's view of a running container's files (keeper/host_view.h has the why).
// Runs in the engine's mount namespace, in the initial user namespace.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sandbox {

inline constexpr char kHostViewType[] = "fuse.bulkhead";

// Mounts a new FUSE file system over `path` (a directory) and returns its /dev/fuse, which whoever
// serves it is given; requests wait until then. Closing the last copy ends the file system: its
// users get ENOTCONN. For the host's root alone (the server's duty). No device nodes, no set-id
// programs: ids are natural here, so a set-id file of the container's root would be one of the host's.
// Errors: no /dev/fuse, no FUSE in the kernel, no right to mount.
Result<UniqueFd> mount_host_view(const std::string& path, std::string_view container_id);

// Whether the topmost mount at `path` is a host view, and of which container ("" when it is none).
Result<std::string> host_view_at(const std::string& path);

// Unmounts the topmost mount at `path` if it is a host view, in use or not. Whoever else does the same
// at that moment, nothing that lies beneath is unmounted.
Result<> unmount_host_view(const std::string& path);

}  // namespace bulkhead::sandbox
