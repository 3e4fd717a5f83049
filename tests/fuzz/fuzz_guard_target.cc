// Request targets: what is taken is written in a form that reads as itself, and has no byte in it
// that another parser could take for a separator.
#include <string>
#include <string_view>

#include "fuzz.h"
#include "guard/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto target = bulkhead::guard::parse_target(text);
  if (!target) return 0;
  auto written = target->text();
  auto again = bulkhead::guard::parse_target(written);
  FUZZ_CHECK(again && again->path == target->path && again->minor == target->minor);
  FUZZ_CHECK(again->query.parameters == target->query.parameters && again->text() == written);
  FUZZ_CHECK(target->path.find("/../") == std::string::npos && target->path.find("//") == std::string::npos);
  for (unsigned char c : written) FUZZ_CHECK(c > 0x20 && c < 0x7f && c != '#' && c != ';' && c != '\\');
  return 0;
}
