// What registries send around manifests: challenges, URLs, tokens; and the credentials file.
#include <algorithm>
#include <string_view>

#include "fuzz.h"
#include "images/reference.h"
#include "registry/challenge.h"
#include "registry/session.h"
#include "registry/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bulkhead;
  if (size > 8192) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto is_plain = [](std::string_view word) {
    return std::ranges::all_of(word, [](char c) { return c > ' ' && c < 0x7f; });
  };
  if (auto url = registry::parse_url(text)) {
    FUZZ_CHECK(images::is_host(url->host) && url->path.starts_with('/') && is_plain(url->text()));
    FUZZ_CHECK(url->host.find_first_of("@/?#") == url->host.npos);
    auto again = registry::parse_url(url->text());
    FUZZ_CHECK(again && again->text() == url->text());
  }
  if (auto challenge = registry::parse_challenge(text)) {
    auto url = registry::parse_url(challenge->realm);
    auto query = registry::with_query("/t", {{"service", challenge->service}, {"scope", challenge->scope}});
    FUZZ_CHECK(is_plain(query) && query.find('#') == query.npos);
    FUZZ_CHECK(!url || registry::parse_url(url->text() + query));
  }
  if (auto token = registry::parse_token(text)) FUZZ_CHECK(!token->empty() && is_plain(*token));
  if (auto credentials = registry::read_credentials(text))
    for (const auto& [name, secret] : *credentials) FUZZ_CHECK(images::is_host(name) && is_plain(secret));
  return 0;
}
