// The stream between guard and registry process, in pieces; and the pin file.
#include <string>
#include <string_view>

#include "base/limits.h"
#include "fuzz.h"
#include "registry/cache.h"
#include "registry/protocol.h"

namespace {

using namespace bulkhead;

std::string one_frame(std::string_view bytes) {
  registry::FrameReader frames(limits::kRegistryFrameBytes);
  frames.feed(bytes);
  auto text = frames.take();
  FUZZ_CHECK(text && *text);
  return **text;
}

void check_served(const registry::Served& served) {
  for (const auto& id : registry::image_ids(served)) FUZZ_CHECK(images::is_digest(id));
  FUZZ_CHECK(served.manifests.size() <= limits::kManifests);
}

// What was read, written again, reads as the same.
void check_text(std::string_view text) {
  if (auto request = registry::decode_request(text)) {
    auto again = registry::decode_request(one_frame(registry::encode(*request)));
    FUZZ_CHECK(again && again->id == request->id && again->reference == request->reference);
  }
  if (auto response = registry::decode_response(text)) {
    auto again = registry::decode_response(one_frame(registry::encode(*response)));
    FUZZ_CHECK(again && again->id == response->id);
    if (!response->served) return;
    check_served(*response->served);
    if (again->served) FUZZ_CHECK(image_ids(*again->served) == image_ids(*response->served));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_text(text);
  if (auto pins = registry::read_pins(text))
    for (const auto& [name, served] : *pins) check_served(served);
  registry::FrameReader frames(4096);
  for (std::size_t at = 0; at < size; at += 7) {
    frames.feed(text.substr(at, 7));
    while (true) {
      auto frame = frames.take();
      if (!frame) return 0;
      if (!*frame) break;
      FUZZ_CHECK((*frame)->size() <= 4096);
      check_text(**frame);
    }
  }
  return 0;
}
