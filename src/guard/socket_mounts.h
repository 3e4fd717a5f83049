// Who may have the Docker socket: containers of allowed images, and they get one of their own.
#pragma once

#include "guard/facts.h"
#include "guard/request.h"

namespace bulkhead::guard {

// At create: every bind of a Docker socket in Binds and Mounts is judged by the image and replaced by
// a bind of a socket made for this container; request.granted says which. What names a socket in any
// other way (a directory above it, a volume, another container's) is left for judge_mounts() to refuse.
Verdict<> place_sockets(Request& request, json::Object& host_config, std::string_view image, Facts& facts);

// At start: the container's own socket is judged again, by the image that the container really has.
// `container`: GET /containers/{id}/json.
Verdict<> judge_own_socket(Request& request, const json::Object& container, Facts& facts);

}  // namespace bulkhead::guard
