// Image references and patterns: "pattern\nreference".
#include <string>
#include <string_view>

#include "fuzz.h"
#include "images/reference.h"
#include "images/verdict.h"

namespace {

using namespace bulkhead;

// What was read is written in a form that reads as the same, in full and as people see it.
void check_reference(const images::Reference& reference) {
  FUZZ_CHECK(images::is_host(reference.domain) && !reference.path.empty());
  FUZZ_CHECK(!reference.tag.empty() || images::is_digest(reference.digest));
  auto full = images::parse_reference(reference.text());
  FUZZ_CHECK(full && *full == reference);
  auto familiar = images::parse_reference(reference.familiar());
  FUZZ_CHECK(familiar && *familiar == reference);
}

void check_pattern(const images::Pattern& pattern, const images::Reference& reference) {
  bool matches = pattern.matches(reference);
  FUZZ_CHECK(!matches || pattern.matches_repository(reference));
  if (!matches || pattern.is_any()) return;
  FUZZ_CHECK(pattern.reference().domain == reference.domain);  // no wildcard crosses registries
  if (pattern.is_exact() && !pattern.has_digest()) FUZZ_CHECK(pattern.reference().text() == reference.text());
  if (pattern.has_digest()) FUZZ_CHECK(pattern.reference().digest == reference.digest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto middle = text.find('\n');
  auto pattern = images::Pattern::parse(text.substr(0, middle));
  auto reference = images::parse_reference(middle == text.npos ? text : text.substr(middle + 1));
  if (reference) check_reference(*reference);
  if (pattern && reference) check_pattern(*pattern, *reference);
  // Names are the engine's word: whatever they are, they allow nothing without an answer.
  std::string name(text.substr(0, middle));
  std::string patterns[] = {"docker:*", "*/*:*"};
  auto list = images::ImageList::make(patterns, true);
  images::LocalImage image{name, {name}, {name}, {name}};
  FUZZ_CHECK(list && !list->judge(name, image, {}, "f").allowed);
  (void)list->questions(image);
  return 0;
}
