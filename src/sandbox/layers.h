// The layers of an overlay read one by one, as they are on disk: what a directory shows, put together
// as overlayfs would. Through the overlay itself the whiteouts of an *inner* overlay (character devices
// 0:0, the same thing on disk) could not be seen.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/overlay.h"

namespace bulkhead::sandbox {

// The directories that make up one of the overlay, topmost first; the upper layer's is the first.
using LayerDirectories = std::vector<UniqueFd>;

// `inside`: relative, without symbolic links. A lower layer that is hidden there (by a whiteout, a file
// or an opaque directory above it) is left out. Errors: a directory that shows another's content
// (redirect_dir).
Result<LayerDirectories> find_in_layers(const OverlayLayers& layers, std::string_view inside);

// Whether any but the first has something in it.
Result<bool> has_entries_below(const LayerDirectories& directories);

// Copies what they show together into the empty directory `into`, hard links, holes, owners, times and
// extended attributes included, overlay's own marks excluded. A whiteout that hides something of these
// layers is theirs and is left out; one that hides nothing is an inner overlay's and is copied.
Result<> merge_layers(const LayerDirectories& directories, BorrowedFd into);

}  // namespace bulkhead::sandbox
