// The table of bulkhead.registry.
#include <algorithm>

#include "base/strings.h"
#include "json/write.h"
#include "policy/pattern.h"
#include "policy/settings.h"

namespace bulkhead::policy {

using json::field;
using json::Path;
using json::Value;

namespace {

// Seconds between the bounds.
template <std::uint32_t Min, std::uint32_t Max>
struct Seconds {
  Result<> operator()(std::uint32_t& out, const Value& value, const Path& path) const {
    out = static_cast<std::uint32_t>(TRY(json::read_signed(value, path, Min, Max)));
    return {};
  }
};

struct HostPath {
  Result<> operator()(std::string& out, const Value& value, const Path& path) const {
    TRY(json::read_value(out, value, path));
    if (!is_canonical(out) || out == "/")
      return json::fail_at(path, cat(json::quote(out), " is not an absolute path"));
    return {};
  }
};

// "scheme://host[:port][/path]" of printable ASCII without user, query and fragment: those would be
// secrets in a world-readable file, or not what they look like.
bool is_plain_url(std::string_view url, std::string_view scheme) {
  if (!url.starts_with(scheme) || url.size() == scheme.size()) return false;
  url.remove_prefix(scheme.size());
  return url.front() != '/' && std::ranges::all_of(url, [](char c) {
           return c > ' ' && c < 0x7f && !std::string_view("@?#\\\"'<>").contains(c);
         });
}

Result<> check_registry(Registry& registry, const Path& path) {
  Path mirrors(path, "mirrors");
  for (const auto& [domain, urls] : registry.mirrors) {
    if (!images::is_host(domain))
      return json::fail_at(Path(mirrors, domain),
                           "is no registry (a host name, perhaps with a port)");
    for (const auto& url : urls)
      if (!is_plain_url(url, "https://"))
        return json::fail_at(Path(mirrors, domain),
                             cat(json::quote(url), " is not an https:// URL"));
  }
  if (!registry.proxy.empty() && !is_plain_url(registry.proxy, "http://") &&
      !is_plain_url(registry.proxy, "https://"))
    return json::fail_at(
        Path(path, "proxy"),
        cat(json::quote(registry.proxy), " is not an http:// or https:// URL without credentials"));
  if (registry.refresh_seconds > registry.max_age_seconds)
    return json::fail_at(Path(path, "refreshSeconds"), "must not be above maxAgeSeconds");
  return {};
}

}  // namespace

json::Table<Registry> fields_of(std::type_identity<Registry>) {
  constexpr std::uint32_t kDay = 86400, kYear = 366 * kDay;
  static constexpr auto kFields = json::fields<Registry>({
      {"refreshSeconds", field<&Registry::refresh_seconds, Seconds<0, kDay>{}>},
      {"maxAgeSeconds", field<&Registry::max_age_seconds, Seconds<0, kYear>{}>},
      {"timeoutSeconds", field<&Registry::timeout_seconds, Seconds<1, 300>{}>},
      {"certificates", field<&Registry::certificates, HostPath{}>},
      {"credentialsFile", field<&Registry::credentials_file, HostPath{}>},
      {"pinFile", field<&Registry::pin_file, HostPath{}>},
      {"proxy", field<&Registry::proxy>},
      {"noProxy", field<&Registry::no_proxy>},
      {"mirrors", field<&Registry::mirrors>},
  });
  return {kFields, json::Unknown::kRefuse, check_registry};
}

}  // namespace bulkhead::policy
