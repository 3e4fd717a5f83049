// The settings file, and path patterns: the input is also split into a pattern and a path.
#include <string>
#include <string_view>

#include "fuzz.h"
#include "policy/pattern.h"
#include "policy/policy.h"

namespace {

using namespace bulkhead;

void check_policy(const policy::Policy& policy, std::string_view text) {
  for (const auto& entry : policy.restricted)
    FUZZ_CHECK(policy::is_canonical(entry.path) && entry.path != "/" && !entry.reason.empty());
  for (const auto& exception : policy.exceptions) FUZZ_CHECK(policy::is_pattern(exception.path));
  for (const auto& device : policy.allowed_devices) FUZZ_CHECK(policy::is_pattern(device));
  if (policy.id_pool.fixed)
    FUZZ_CHECK(policy.id_pool.fixed->start >= 65536 &&
               policy.id_pool.fixed->start + std::uint64_t{policy.id_pool.fixed->ranges} * 65536 <
                   (std::uint64_t{1} << 32));
  // Only a removal or an exception, both of which the text must name, frees the engine's directory.
  if (text.find("restrictedMounts") == text.npos && text.find('\\') == text.npos)
    FUZZ_CHECK(policy::find_restriction(policy, "/etc/docker/daemon.json", false, ""));
}

void check_matching(std::string_view pattern, std::string_view path) {
  bool matched = policy::matches(pattern, path);
  FUZZ_CHECK(!matched || (policy::is_pattern(pattern) && policy::is_canonical(path)));
  if (!matched) return;
  // Nothing that matches lies outside what stands before the first star.
  auto fixed = pattern.substr(0, pattern.find('*'));
  FUZZ_CHECK(path.starts_with(fixed));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto policy = policy::read_policy(text, "settings");
  if (policy) check_policy(*policy, text);
  FUZZ_CHECK(policy || policy.error().message.starts_with("settings: "));
  auto middle = text.find('\n');
  if (middle != text.npos) check_matching(text.substr(0, middle), text.substr(middle + 1));
  return 0;
}
