// The engine's view of a running container's files: a FUSE file system that passes everything
// through to the container's own overlay and shows natural ids.
//
// Why: overlayfs cannot be idmapped, so that the container's root is a second overlay, made from
// idmapped layers, beside the engine's own over the same upper directory. Two overlays do not see
// each other's changes (each caches names), and the engine reads its own for `docker cp`, `export`
// and for /etc/passwd at `docker exec --user`. The view covers the engine's mount while the
// container lives; everything then goes through one overlay. The container's own data path has no
// part in this.
//
// Nothing is cached: names and attributes have a timeout of 0 and files are read and written
// directly, since the container changes them without the view being told.
//
// For the host's root only; others get EACCES.
//
// What the container controls is never acted on: names are single components, resolved beneath the
// root without following a symlink, on the mounts of the detached tree that the view is given (the
// root and its data directories), which nobody can add to; only regular files and directories are
// opened, without blocking (a lease that the container holds gives EAGAIN).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "keeper/id_shift.h"

namespace bulkhead::keeper {

struct HostViewInputs {
  UniqueFd fuse;  // /dev/fuse, mounted by the runtime
  UniqueFd root;  // the root directory, on a detached tree: its mount and its data directories
  IdShift ids;
};

// Serves the view until its mount is gone. Changes the process for good: a mount namespace with
// nothing in it, the working directory /proc/self/fd, only the capabilities that files need, no new
// privileges. Errors: only before the first request.
Result<> serve_host_view(HostViewInputs inputs);

}  // namespace bulkhead::keeper
