// A directory of the container that is the upper layer's own, not the overlay's: where an engine inside
// keeps its images and containers (/var/lib/docker).
//
// Why: overlayfs refuses an overlay as upper layer, so an engine inside falls back to copying whole
// images, or gives up. Beneath the container's overlay is a real file system, and on it the upper layer
// that the engine outside made for this container. Its own directory /var/lib/docker, idmapped, is
// mounted over the same name in the overlay. So `docker restart` keeps what is in it, `docker commit`
// puts it into the image, `docker rm` removes it, and nothing is copied or chowned, nor is there
// anything that could be left over.
//
// When layers below have something there (an image with images in it) it cannot stay in two places: it
// is copied up once, as a whole, into the upper layer's directory, which becomes opaque. The copy is
// made in the overlay's work directory and exchanged with the directory by one rename, after a sync: a
// crash leaves the one or the other, and the next start removes what was not finished.
//
// The kernel notes "upperdir is in-use as upperdir/workdir of another mount" for every overlay that the
// inner engine mounts. What it warns of, changes through both, cannot happen: the mount over it is
// locked.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/overlay.h"

namespace bulkhead::sandbox {

// Makes `inside` ("var/lib/docker": resolved, relative, a directory of the upper layer too) hold
// everything that the layers show there, and returns it as a detached mount, not idmapped. `where`: for
// messages. Must run before anything has looked into the directory through the overlay. Errors: a layer
// that shares names with another place (redirect_dir) or data with another file (metacopy), no room.
Result<UniqueFd> own_directory(const OverlayLayers& layers, const std::string& inside, const std::string& where);

}  // namespace bulkhead::sandbox
