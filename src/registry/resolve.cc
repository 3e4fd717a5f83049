#include "registry/resolve.h"

#include <sys/utsname.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "registry/manifest.h"

namespace bulkhead::registry {
namespace {

// An error, and whether it is the registry's word that there is no such thing.
struct Failed {
  Error error;
  bool is_gone = false;
};
template <typename T>
using Asked = std::expected<T, Failed>;

std::unexpected<Failed> failed(std::string message, bool is_gone = false) {
  return std::unexpected(Failed{{0, std::move(message)}, is_gone});
}

// A place to ask: a registry or a mirror of one.
struct Endpoint {
  Url base;                // path "/" or a prefix
  std::string credential;  // for this host
};

std::string credential_for(const ResolveSettings& settings, const std::string& registry) {
  auto found = settings.credentials.find(registry);
  return found == settings.credentials.end() ? std::string() : found->second;
}

std::vector<Endpoint> endpoints(const images::Reference& reference,
                                const ResolveSettings& settings) {
  std::vector<Endpoint> out;
  if (auto mirrors = settings.mirrors.find(reference.domain); mirrors != settings.mirrors.end())
    for (const auto& url : mirrors->second)
      out.push_back({url, credential_for(settings, url.host)});
  // Docker Hub's name is not its registry's.
  std::string host = reference.domain == "docker.io" ? "registry-1.docker.io" : reference.domain;
  out.push_back({{host, "/"}, credential_for(settings, reference.domain)});
  return out;
}

class Question {
 public:
  Question(const images::Reference& reference, const Endpoint& endpoint,
           const ResolveSettings& settings, const Send& send)
      : reference_(reference),
        settings_(settings),
        host_(endpoint.base.host),
        prefix_(endpoint.base.path),
        session_(send, host_, reference.path, endpoint.credential) {
    if (!prefix_.ends_with('/')) prefix_ += '/';
  }

  // Whether the reference still names `digest`, by HEAD. Any doubt is no.
  bool still_names(std::string_view digest) {
    auto response = session_.get(path_of(target()), limits::kManifestBytes, true);
    return response && response->status == 200 && response->docker_digest == digest;
  }

  Asked<Served> ask() {
    auto top = get(target(), reference_.digest);
    if (!top) return std::unexpected(std::move(top).error());
    Served served{.reference = reference_, .digest = top->digest};
    if (!top->manifest.is_index) {
      served.manifests.push_back({top->digest, top->manifest.config.digest, {}, {}, {}});
      return served;
    }
    for (const auto& entry : top->manifest.manifests) {
      if (entry.os == "unknown") continue;  // attestations, which nobody runs
      auto platform = ask_platform(entry);
      if (!platform) return std::unexpected(std::move(platform).error());
      served.manifests.push_back(*std::move(platform));
    }
    return served;
  }

 private:
  struct Got {
    std::string digest;
    Manifest manifest;
  };

  const std::string& target() const {
    return reference_.digest.empty() ? reference_.tag : reference_.digest;
  }
  std::string path_of(std::string_view what) const {
    return cat(prefix_, "v2/", reference_.path, "/manifests/", what);
  }

  // A manifest or index by tag or digest. `digest`: what it must hash to, or empty.
  Asked<Got> get(const std::string& what, const std::string& digest) {
    std::string name = cat(host_, ": ", reference_.path, digest.empty() ? ":" : "@", what);
    auto response = session_.get(path_of(what), limits::kManifestBytes);
    if (!response) return std::unexpected(Failed{std::move(response).error(), false});
    if (response->status != 200)
      return failed(describe(name, response->status), response->status == 404);
    Got got{.digest = digest_of(response->body)};
    const auto& promised = digest.empty() ? response->docker_digest : digest;
    if (!promised.empty() && promised != got.digest)
      return failed(
          cat(name, ": the content has the digest ", got.digest, ", not ", promised.substr(0, 80)));
    auto manifest = parse_manifest(response->body, response->content_type);
    if (!manifest) return std::unexpected(Failed{std::move(manifest).error().wrap(name), false});
    got.manifest = *std::move(manifest);
    return got;
  }

  // An index's entry: with its configuration when this host could run it.
  Asked<ServedManifest> ask_platform(const Descriptor& entry) {
    ServedManifest out{entry.digest, {}, entry.os, entry.architecture, entry.variant};
    bool is_ours =
        entry.os.empty() ||
        (entry.os == "linux" && std::ranges::find(settings_.architectures, entry.architecture) !=
                                    settings_.architectures.end());
    bool is_nested =
        entry.media_type.ends_with("index.v1+json") || entry.media_type.contains("manifest.list");
    if (!is_ours || is_nested || fetched_ == limits::kFetchedManifests) return out;
    ++fetched_;
    auto got = get(entry.digest, entry.digest);
    if (!got) {
      // The index is there, so this is no word about the reference.
      got.error().is_gone = false;
      return std::unexpected(std::move(got).error());
    }
    if (got->manifest.is_index)
      return failed(cat(host_, ": ", entry.digest, " is an index within an index"));
    out.config = got->manifest.config.digest;
    return out;
  }

  static std::string describe(const std::string& name, int status) {
    switch (status) {
      case 401:
      case 403:
        return cat(name, ": access denied; set credentials in bulkhead.registry.credentialsFile");
      case 404:
        return cat(name, ": the registry does not have it");
      case 429:
        return cat(name, ": the registry's rate limit is reached");
      default:
        return cat(name, ": the registry answers with status ", status);
    }
  }

  const images::Reference& reference_;
  const ResolveSettings& settings_;
  std::string host_, prefix_;
  Session session_;
  std::size_t fetched_ = 0;
};

}  // namespace

Resolution resolve(const images::Reference& reference, const ResolveSettings& settings,
                   const Send& send, const Served* known, std::int64_t now) {
  Resolution out{.served = fail("nobody was asked"), .failure = Failure::kUnreachable};
  for (const auto& endpoint : endpoints(reference, settings)) {
    Question question(reference, endpoint, settings, send);
    Asked<Served> served =
        known && question.still_names(known->digest) ? Asked<Served>(*known) : question.ask();
    if (!served) {
      // A mirror may lack what the registry has: the last word is the registry's, the last asked.
      out = {std::unexpected(std::move(served.error().error)),
             served.error().is_gone ? Failure::kGone : Failure::kUnreachable};
      continue;
    }
    served->reference = reference;
    served->verified_at = now;
    served->source = "registry";
    out.served = *std::move(served);
    return out;
  }
  return out;
}

std::vector<std::string> host_architectures() {
  utsname host{};
  uname(&host);
  std::string_view machine = host.machine;
  if (machine == "x86_64") return {"amd64", "386"};
  if (machine == "aarch64") return {"arm64", "arm"};
  return {std::string(machine)};
}

}  // namespace bulkhead::registry
