#include "registry/manifest.h"

#include <sha2.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/limits.h"
#include "base/strings.h"
#include "images/reference.h"
#include "json/fields.h"

namespace bulkhead::registry {
namespace {

using json::field;
using json::Path;
using json::Value;

struct Kind {
  std::string_view media_type;
  bool is_index;
};
constexpr Kind kKinds[] = {
    {"application/vnd.docker.distribution.manifest.list.v2+json", true},
    {"application/vnd.oci.image.index.v1+json", true},
    {"application/vnd.docker.distribution.manifest.v2+json", false},
    {"application/vnd.oci.image.manifest.v1+json", false},
};

struct Platform {
  std::string os, architecture, variant;
};

struct RawDescriptor {
  std::string media_type, digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;
};

struct Document {
  std::uint32_t schema_version = 0;
  std::string media_type;
  std::optional<std::vector<RawDescriptor>> manifests, layers;
  std::optional<RawDescriptor> config;
};

json::Table<Platform> fields_of(std::type_identity<Platform>) {
  static constexpr auto kFields = json::fields<Platform>({
      {"os", field<&Platform::os>},
      {"architecture", field<&Platform::architecture>},
      {"variant", field<&Platform::variant>},
  });
  return {kFields};
}

Result<> check_descriptor(RawDescriptor& descriptor, const Path& path) {
  if (!images::is_digest(descriptor.digest))
    return json::fail_at(Path(path, "digest"), "is no digest (sha256: and 64 hexadecimal digits)");
  return {};
}

json::Table<RawDescriptor> fields_of(std::type_identity<RawDescriptor>) {
  static constexpr auto kFields = json::fields<RawDescriptor>({
      {"mediaType", field<&RawDescriptor::media_type>, json::kRequired},
      {"digest", field<&RawDescriptor::digest>, json::kRequired},
      {"size", field<&RawDescriptor::size>, json::kRequired},
      {"platform", field<&RawDescriptor::platform>},
  });
  return {kFields, check_descriptor};
}

// An index's entries and a manifest's layers are few; the limit is before anything is read.
struct Descriptors {
  Result<> operator()(std::optional<std::vector<RawDescriptor>>& out, const Value& value,
                      const Path& path) const {
    TRY(json::array_in(value, path, limits::kManifests));
    return json::read_value(out, value, path);
  }
};

json::Table<Document> fields_of(std::type_identity<Document>) {
  static constexpr auto kFields = json::fields<Document>({
      {"schemaVersion", field<&Document::schema_version>, json::kRequired},
      {"mediaType", field<&Document::media_type>},
      {"manifests", field<&Document::manifests, Descriptors{}>},
      {"config", field<&Document::config>},
      {"layers", field<&Document::layers, Descriptors{}>},
  });
  return {kFields};
}

Result<Kind> kind_of(std::string_view media_type) {
  auto kind = std::ranges::find(kKinds, media_type, &Kind::media_type);
  if (kind != std::end(kKinds)) return *kind;
  if (media_type.starts_with("application/vnd.docker.distribution.manifest.v1"))
    return fail(
        "is a manifest of schema 1, which holds no digest of the image: push the image again");
  return fail(cat("\"", media_type.substr(0, 80), "\" is no manifest or index"));
}

Descriptor describe(RawDescriptor raw) {
  Descriptor out{
      .media_type = std::move(raw.media_type), .digest = std::move(raw.digest), .size = raw.size};
  if (raw.platform) {
    out.os = std::move(raw.platform->os);
    out.architecture = std::move(raw.platform->architecture);
    out.variant = std::move(raw.platform->variant);
  }
  return out;
}

}  // namespace

std::string_view accepted_manifests() {
  return "application/vnd.oci.image.index.v1+json, "
         "application/vnd.docker.distribution.manifest.list.v2+json, "
         "application/vnd.oci.image.manifest.v1+json, "
         "application/vnd.docker.distribution.manifest.v2+json";
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view content_type) {
  content_type = trim(content_type.substr(0, content_type.find(';')));
  Kind kind = TRY(kind_of(content_type));
  auto document = TRY(json::read<Document>(TRY(json::parse(text))));
  if (document.schema_version != 2)
    return fail(cat("schemaVersion is ", document.schema_version, ", not 2"));
  if (!document.media_type.empty() && document.media_type != kind.media_type)
    return fail(cat("is sent as ", kind.media_type, " and calls itself ",
                    document.media_type.substr(0, 80)));
  bool has_image = document.config || document.layers;
  if (document.manifests.has_value() == has_image ||
      document.manifests.has_value() != kind.is_index ||
      (has_image && !(document.config && document.layers)))
    return fail(cat("is sent as ", kind.media_type, " and has not what belongs there alone"));
  Manifest out{.is_index = kind.is_index};
  if (kind.is_index)
    for (auto& entry : *document.manifests) out.manifests.push_back(describe(std::move(entry)));
  else
    out.config = describe(*std::move(document.config));
  return out;
}

std::string digest_of(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> hash;
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  SHA256Final(hash.data(), &context);
  std::string out = "sha256:";
  for (auto byte : hash) (out += kHex[byte >> 4]) += kHex[byte & 15];
  return out;
}

}  // namespace bulkhead::registry
