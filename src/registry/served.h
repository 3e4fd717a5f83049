// What a registry serves for a reference, as bulkhead-registry has verified it: the answer to the
// guard, a file of its cache and an entry of the pin file are all this value, in the same JSON:
//
//   {"reference": "docker.io/library/docker:cli", "digest": "sha256:...", "verifiedAt": 1790000000,
//    "source": "registry",
//    "manifests": [{"digest": "sha256:...", "config": "sha256:...", "os": "linux", "architecture":
//    "amd64"}]}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/reference.h"
#include "json/read.h"
#include "json/write.h"

namespace bulkhead::registry {

struct ServedManifest {  // of one platform
  std::string digest;    // of the manifest; may be empty in a pin
  std::string config;  // of the configuration: the image's id in the classic store; empty when the
                       // platform is not one of this host's and its manifest was not fetched
  std::string os, architecture, variant;
};

struct Served {
  images::Reference reference;
  std::string digest;  // what the reference names: an index's digest or a single manifest's
  std::vector<ServedManifest> manifests;
  std::int64_t verified_at = 0;  // seconds since 1970: when the registry last said so
  std::string source;            // "registry", "cache" or "pin"
};

// Every id that an engine may show for an image pulled by that reference: digests of index,
// manifests and configurations, whatever image store it has.
std::vector<std::string> image_ids(const Served& served);

void write(json::Writer& out, const Served& served);

// Errors name the key. Unknown keys, digests that are none and references that are not complete are
// errors.
Result<Served> read_served(const json::Value& value);

}  // namespace bulkhead::registry
