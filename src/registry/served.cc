#include "registry/served.h"

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "json/fields.h"

namespace bulkhead::registry {
namespace {

using json::field;
using json::Path;

constexpr std::string_view kSources[] = {"registry", "cache", "pin"};

// Platform names reach logs and messages: short words only.
struct Word {
  Result<> operator()(std::string& out, const json::Value& value, const Path& path) const {
    TRY(json::read_value(out, value, path));
    bool is_word = out.size() <= 32 && std::ranges::all_of(out, [](char c) {
                     return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                            c == '-' || c == '.';
                   });
    return is_word ? Result<>() : json::fail_at(path, "is no platform's name");
  }
};

struct Digest {
  Result<> operator()(std::string& out, const json::Value& value, const Path& path) const {
    TRY(json::read_value(out, value, path));
    if (!out.empty() && !images::is_digest(out))
      return json::fail_at(path, "is no digest (sha256: and 64 hexadecimal digits)");
    return {};
  }
};

struct FullReference {
  Result<> operator()(images::Reference& out, const json::Value& value, const Path& path) const {
    std::string text;
    TRY(json::read_value(text, value, path));
    out = TRY_IN(path.text(), images::parse_reference(text));
    return {};
  }
};

Result<> check_manifest(ServedManifest& manifest, const Path& path) {
  if (manifest.digest.empty() && manifest.config.empty())
    return json::fail_at(path, "expected a \"digest\" or a \"config\"");
  return {};
}

Result<> check_served(Served& served, const Path& path) {
  if (served.manifests.size() > limits::kManifests)
    return json::fail_at(Path(path, "manifests"), cat("more than ", limits::kManifests));
  if (served.digest.empty() && served.manifests.empty())
    return json::fail_at(path, "expected a \"digest\" or \"manifests\"");
  // A pin of a digest cannot stand for other content.
  const auto& asked = served.reference.digest;
  if (!asked.empty() && !served.digest.empty() && asked != served.digest)
    return json::fail_at(Path(path, "digest"), "differs from the one in the reference");
  return {};
}

}  // namespace

json::Table<ServedManifest> fields_of(std::type_identity<ServedManifest>) {
  using Manifest = ServedManifest;
  static constexpr auto kFields = json::fields<Manifest>({
      {"digest", field<&Manifest::digest, Digest{}>},
      {"config", field<&Manifest::config, Digest{}>},
      {"os", field<&Manifest::os, Word{}>},
      {"architecture", field<&Manifest::architecture, Word{}>},
      {"variant", field<&Manifest::variant, Word{}>},
  });
  return {kFields, json::Unknown::kRefuse, check_manifest};
}

json::Table<Served> fields_of(std::type_identity<Served>) {
  static constexpr auto kFields = json::fields<Served>({
      {"reference", field<&Served::reference, FullReference{}>, json::kRequired},
      {"digest", field<&Served::digest, Digest{}>},
      {"manifests", field<&Served::manifests>},
      {"verifiedAt", field<&Served::verified_at>},
      {"source", json::one_of<&Served::source, kSources>},
  });
  return {kFields, json::Unknown::kRefuse, check_served};
}

std::vector<std::string> image_ids(const Served& served) {
  std::vector<std::string> ids;
  auto add = [&ids](const std::string& id) {
    if (!id.empty() && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  };
  add(served.digest);
  for (const auto& manifest : served.manifests) {
    add(manifest.digest);
    add(manifest.config);
  }
  return ids;
}

void write(json::Writer& out, const Served& served) {
  out.begin_object().field("reference", served.reference.text());
  if (!served.digest.empty()) out.field("digest", served.digest);
  out.field("verifiedAt", served.verified_at);
  if (!served.source.empty()) out.field("source", served.source);
  out.key("manifests").begin_array();
  for (const auto& manifest : served.manifests) {
    out.begin_object();
    if (!manifest.digest.empty()) out.field("digest", manifest.digest);
    if (!manifest.config.empty()) out.field("config", manifest.config);
    if (!manifest.os.empty()) out.field("os", manifest.os);
    if (!manifest.architecture.empty()) out.field("architecture", manifest.architecture);
    if (!manifest.variant.empty()) out.field("variant", manifest.variant);
    out.end_object();
  }
  out.end_array().end_object();
}

Result<Served> read_served(const json::Value& value) { return json::read<Served>(value); }

}  // namespace bulkhead::registry
