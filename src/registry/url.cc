#include "registry/url.h"

#include <algorithm>

#include "base/strings.h"
#include "images/reference.h"

namespace bulkhead::registry {
namespace {

constexpr std::string_view kScheme = "https://";

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").contains(c);
}

// Scopes are read by people in token servers' logs: ':' and '/' are harmless in a query.
std::string escape(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (is_unreserved(static_cast<char>(c)) || c == ':' || c == '/')
      out += static_cast<char>(c);
    else
      ((out += '%') += kHex[c >> 4]) += kHex[c & 15];
  }
  return out;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string Url::text() const { return cat(kScheme, host, path); }

Result<Url> parse_url(std::string_view text) {
  auto shown = text.substr(0, 200);
  if (text.size() > 4096) return fail("a URL of more than 4096 characters");
  if (!std::ranges::all_of(text,
                           [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; }))
    return fail("a URL with characters that belong in none");
  if (!text.starts_with(kScheme)) return fail(cat("\"", shown, "\" is no https:// URL"));
  text.remove_prefix(kScheme.size());
  auto slash = text.find_first_of("/?#");
  Url url{std::string(text.substr(0, slash)), "/"};
  std::ranges::transform(url.host, url.host.begin(), lower);
  if (!images::is_host(url.host)) return fail(cat("\"", shown, "\" has no plain host"));
  if (slash == text.npos) return url;
  text.remove_prefix(slash);
  if (text.contains('#')) return fail(cat("\"", shown, "\" has a fragment"));
  url.path = text.front() == '/' ? std::string(text) : cat("/", text);
  return url;
}

std::string with_query(std::string_view path,
                       const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out(path);
  char separator = path.contains('?') ? '&' : '?';
  for (const auto& [key, value] : parameters) {
    (out += separator).append(escape(key)).append("=").append(escape(value));
    separator = '&';
  }
  return out;
}

}  // namespace bulkhead::registry
