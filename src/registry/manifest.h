// Image manifests and indexes (Docker schema 2 and OCI), read strictly: what is not clearly one of
// the two kinds is refused. A document that reads as a manifest to one program and as an index to
// another (CVE-2021-41190) would let a registry vouch for one image and the engine run another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead::registry {

struct Descriptor {
  std::string media_type;
  std::string digest;  // is_digest() holds
  std::uint64_t size = 0;
  std::string os, architecture, variant;  // of an index's entry; "unknown" for attestations
};

struct Manifest {
  bool is_index = false;
  std::vector<Descriptor> manifests;  // of an index
  Descriptor config;                  // of a manifest
};

// The media types to ask for, as an Accept header's value.
std::string_view accepted_manifests();

// `content_type` is the answer's; parameters after ';' are ignored. Errors: another media type
// (schema 1 by name: pull and push the image again), one that differs from the document's own,
// both "manifests" and "config" or "layers", no digest where one belongs, more than
// limits::kManifests entries.
Result<Manifest> parse_manifest(std::string_view text, std::string_view content_type);

// "sha256:<hex>" of the bytes.
std::string digest_of(std::string_view bytes);

}  // namespace bulkhead::registry
