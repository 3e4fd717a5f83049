// What does a registry serve for a reference? Asks mirrors, then the registry, and believes nothing
// that does not hash to what vouches for it: the digest of what was got for the tag, each
// platform's manifest by the digest in the index, the configuration's digest in the manifest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "registry/http.h"
#include "registry/protocol.h"
#include "registry/served.h"
#include "registry/session.h"

namespace bulkhead::registry {

struct ResolveSettings {
  std::map<std::string, std::vector<Url>> mirrors;  // registry -> where to ask first
  Credentials credentials;
  // Whose manifests of an index are fetched ("amd64", "386"): each is a request, and public
  // registries count them.
  std::vector<std::string> architectures;
};

struct Resolution {
  Result<Served> served;
  Failure failure = Failure::kUnreachable;
};

// `known`: the last verified answer for the reference, or nullptr. When the registry says that the
// tag still names that digest (HEAD, which public registries do not count as a pull), its manifests
// need not be fetched again: content behind a digest does not change.
// `now`: seconds since 1970, for Served::verified_at.
// Failure::kGone: the registry itself (not a mirror) answers 404.
Resolution resolve(const images::Reference& reference, const ResolveSettings& settings,
                   const Send& send, const Served* known, std::int64_t now);

// The architectures whose images this host runs: its own, and the 32-bit one.
std::vector<std::string> host_architectures();

}  // namespace bulkhead::registry
