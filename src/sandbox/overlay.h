// An overlay whose layers, the upper one included, are idmapped to a user namespace. Overlayfs
// itself cannot be idmapped (6.18: EINVAL), its layers can: every layer is cloned, idmapped and
// given to a new overlay, so that the ids on disk stay natural and nothing is ever chowned.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/mount_info.h"

namespace bulkhead::sandbox {

struct OverlayLayers {
  std::vector<std::string> lower;      // topmost first
  std::vector<std::string> data_only;  // "lowerdir=...::data"
  std::string upper, work;             // both empty: read-only
  std::vector<std::pair<std::string, std::string>> options;  // the others that matter: userxattr...
};

// Reads the layers from an overlay mount's options. Relative layers (engines chdir first when the
// option string grows over a page) are resolved against `mount_point`'s parents, as the engines
// lay them out. Errors: no lowerdir, a layer that does not exist.
Result<OverlayLayers> overlay_layers(const sys::MountInfo& mount);

// Splits "a:b\:c" at unescaped colons and undoes the escapes.
std::vector<std::string> split_layers(std::string_view text);

// The new overlay as a detached mount. The caller's fsuid and fsgid must be mapped in `user_ns`:
// the superblock keeps the caller's credentials and is read-only otherwise (6.18).
//
// Upper is then in two overlays, the engine's and this one. Each needs a work directory of its own:
// an overlay that is mounted removes what it finds in its work directory and makes it anew, after
// which the first one cannot copy up any more (ENOENT: `docker cp` into the container). Ours is
// `work_name` in the engine's, which goes when the engine removes the layer; no other live
// overlay may have the same.
Result<UniqueFd> compose_overlay(const OverlayLayers& layers, BorrowedFd user_ns, const std::string& work_name);

}  // namespace bulkhead::sandbox
