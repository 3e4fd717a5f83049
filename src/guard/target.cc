#include "guard/target.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::guard {
namespace {

// Parameters that the engine reads as lists. Of any other Go takes the first, other parsers the last.
constexpr std::string_view kLists[] = {"names", "t", "changes", "platform", "label"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decoding; `plus_is_blank` as in queries.
std::optional<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

void encode(std::string& out, std::string_view text, std::string_view kept) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 kept.find(c) != kept.npos;
    if (plain) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
}

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

// Well-formed enough to be written into logs and compared: no stray, overlong or surrogate forms.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2
                       : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length == 0) return false;
    for (std::size_t k = 1; k < length; ++k)
      if (!is_continuation(text, i + k)) return false;
    auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0u;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || !is_utf8(path)) return false;
  return std::ranges::none_of(path, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
           std::string_view("\\;?#%").find(c) != std::string_view::npos;
  });
}

bool has_odd_component(std::string_view path) {
  auto components = split(path.substr(1), '/');
  for (std::size_t i = 0; i < components.size(); ++i)
    if (components[i] == "." || components[i] == ".." ||
        // GET /networks/ is what old clients send for the list
        (components[i].empty() && !(i + 1 == components.size() && path == "/networks/")))
      return true;
  return false;
}

Verdict<Query> parse_query(std::string_view text) {
  Query query;
  if (text.empty()) return query;
  if (text.find(';') != text.npos) return malformed("a semicolon in the query");
  for (auto piece : split(text, '&')) {
    if (piece.empty()) continue;
    auto equals = piece.find('=');
    auto name = decode(piece.substr(0, equals), true);
    auto value = equals == piece.npos ? std::string() : decode(piece.substr(equals + 1), true);
    if (!name || !value) return malformed("a malformed percent-encoding in the query");
    if (name->find('\0') != name->npos || value->find('\0') != value->npos)
      return malformed("a NUL byte in the query");
    if (query.has(*name) && std::ranges::find(kLists, *name) == std::end(kLists))
      return malformed(cat("the parameter \"", *name, "\" is given more than once"));
    query.parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

// Takes "/v1.41" off the path.
Verdict<std::optional<unsigned>> take_version(std::string& path) {
  if (path.size() < 3 || path[1] != 'v' ||
      std::string_view("0123456789.").find(path[2]) == std::string_view::npos)
    return std::optional<unsigned>();
  auto end = path.find('/', 1);
  std::string version = path.substr(1, end == path.npos ? end : end - 1);
  auto minor = version.starts_with("v1.") ? parse_decimal<unsigned>(version.substr(3)) : std::nullopt;
  if (!minor || version != cat("v1.", *minor))
    return malformed(cat("API version \"", version, "\" is not of the form v1.N"));
  if (*minor > kMaxApiMinor)
    return malformed(cat("client version 1.", *minor, " is too new. Maximum supported API version is 1.",
                         kMaxApiMinor, " (bulkhead-guard knows no newer one)"));
  if (*minor < kMinApiMinor)
    return malformed(cat("client version 1.", *minor, " is too old. Minimum supported API version is 1.",
                         kMinApiMinor));
  path.erase(0, end == path.npos ? path.size() : end);
  return minor;
}

}  // namespace

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(parameters, [&](const auto& p) { return p.first == name; });
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : parameters)
    if (key == name) values.push_back(value);
  return values;
}

bool Query::flag(std::string_view name) const {
  std::string value(trim(get(name)));
  std::ranges::transform(value, value.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

void Query::set(std::string_view name, std::string_view value) {
  erase(name);
  parameters.emplace_back(name, value);
}

void Query::erase(std::string_view name) {
  std::erase_if(parameters, [&](const auto& p) { return p.first == name; });
}

Verdict<Target> parse_target(std::string_view text) {
  if (text.size() > limits::kApiQueryBytes) return malformed("the request's target is too long");
  if (!text.starts_with('/')) return malformed("the request's target must be a path");
  if (text.find('#') != text.npos) return malformed("a fragment in the request's target");
  auto question = text.find('?');
  auto raw_path = text.substr(0, question);
  for (std::string_view slash : {"%2f", "%2F"})
    if (raw_path.find(slash) != raw_path.npos) return malformed("an encoded slash in the path");
  auto path = decode(raw_path, false);
  if (!path || !is_plain_path(*path)) return malformed("a byte in the path that is not allowed there");
  Target target;
  target.path = std::move(*path);
  target.minor = TRY(take_version(target.path));
  if (target.path.empty() || has_odd_component(target.path))
    return malformed("an empty, \".\" or \"..\" component in the path");
  target.query = TRY(parse_query(question == text.npos ? "" : text.substr(question + 1)));
  return target;
}

std::string Target::text() const {
  std::string out = minor ? cat("/v1.", *minor) : std::string();
  encode(out, path, "/-_.~:@,+=!$&'()*");
  char separator = '?';
  for (const auto& [name, value] : query.parameters) {
    out += std::exchange(separator, '&');
    encode(out, name, "-_.~");
    out += '=';
    encode(out, value, "-_.~");
  }
  return out;
}

}  // namespace bulkhead::guard
