// Manifests and indexes; the first byte chooses the media type.
#include <string_view>

#include "base/limits.h"
#include "fuzz.h"
#include "images/reference.h"
#include "registry/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bulkhead;
  constexpr std::string_view kTypes[] = {"application/vnd.oci.image.index.v1+json",
                                         "application/vnd.oci.image.manifest.v1+json",
                                         "application/vnd.docker.distribution.manifest.list.v2+json",
                                         "application/vnd.docker.distribution.manifest.v2+json"};
  if (size == 0 || size > 65536) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  bool accepted[4];
  for (int i = 0; i < 4; ++i) {
    auto manifest = registry::parse_manifest(text, kTypes[i]);
    accepted[i] = manifest.has_value();
    if (!manifest) continue;
    FUZZ_CHECK(manifest->is_index == (i % 2 == 0));
    FUZZ_CHECK(manifest->manifests.size() <= limits::kManifests);
    for (const auto& entry : manifest->manifests) FUZZ_CHECK(images::is_digest(entry.digest));
    FUZZ_CHECK(manifest->is_index || images::is_digest(manifest->config.digest));
  }
  // No document is an image to one reader and an index to another (CVE-2021-41190).
  FUZZ_CHECK(!((accepted[0] || accepted[2]) && (accepted[1] || accepted[3])));
  return 0;
}
