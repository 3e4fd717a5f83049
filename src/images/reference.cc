#include "images/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace bulkhead::images {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOfficial = "library/";  // where Docker Hub keeps names without a slash
constexpr std::size_t kRepositoryBytes = 255;       // as distribution/reference
constexpr std::size_t kTagBytes = 128;
constexpr std::size_t kDigestHex = 64;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_number(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_number(c) || (c >= 'a' && c <= 'f'); }
bool is_path_letter(char c) { return is_lower(c) || is_number(c); }
bool is_word(char c) { return is_path_letter(c) || is_upper(c) || c == '_'; }

enum class Wildcards { kNone, kAllowed };

// ---- the grammar -----------------------------------------------------------------------------

// Letters, digits and inner hyphens.
bool is_host_label(std::string_view label) {
  return !label.empty() && !label.starts_with('-') && !label.ends_with('-') &&
         std::ranges::all_of(label, [](char c) { return c == '-' || (is_word(c) && c != '_'); });
}

bool is_ipv6(std::string_view host) {
  return host.size() > 4 && host.starts_with('[') && host.ends_with(']') &&
         std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) {
           return is_hex(c) || (c >= 'A' && c <= 'F') || c == ':';
         });
}

// Between letters and digits: one dot, one or two underscores, or any number of hyphens.
bool is_separator(std::string_view run) {
  return run == "." || run == "_" || run == "__" || run.find_first_not_of('-') == run.npos;
}

bool is_component(std::string_view component, Wildcards wildcards) {
  auto is_letter = [wildcards](char c) {
    return is_path_letter(c) || (c == '*' && wildcards == Wildcards::kAllowed);
  };
  if (component.empty() || !is_letter(component.front()) || !is_letter(component.back()))
    return false;
  if (component.contains("**")) return false;
  while (true) {
    auto start = std::ranges::find_if_not(component, is_letter);
    auto end = std::find_if(start, component.end(), is_letter);
    if (start == component.end()) return true;
    if (!is_separator({start, end})) return false;
    component = {end, component.end()};
  }
}

bool is_tag(std::string_view tag, Wildcards wildcards) {
  auto is_letter = [wildcards](char c) {
    return is_word(c) || (c == '*' && wildcards == Wildcards::kAllowed);
  };
  return !tag.empty() && tag.size() <= kTagBytes && is_letter(tag.front()) && !tag.contains("**") &&
         std::ranges::all_of(tag, [&](char c) { return is_letter(c) || c == '.' || c == '-'; });
}

// Docker's rule for whether what stands before the first slash is a registry.
bool names_registry(std::string_view first) {
  return first.find_first_of(".:") != first.npos || first == "localhost" ||
         std::ranges::any_of(first, is_upper);
}

void split_domain(std::string_view name, Reference& out) {
  auto slash = name.find('/');
  if (slash != name.npos && names_registry(name.substr(0, slash))) {
    out.domain = name.substr(0, slash);
    out.path = name.substr(slash + 1);
  } else {
    out.domain = kDefaultDomain;
    out.path = name;
  }
  if (out.domain == "index.docker.io") out.domain = kDefaultDomain;
  if (out.domain == kDefaultDomain && !out.path.contains('/')) out.path.insert(0, kOfficial);
}

Result<> check_repository(const Reference& reference, Wildcards wildcards) {
  if (!is_host(reference.domain))
    return fail(
        cat("\"", reference.domain, "\" is no registry (a host name, perhaps with a port)"));
  if (std::ranges::any_of(reference.path, is_upper))
    return fail("the repository must be lower case");
  for (auto component : split(reference.path, '/'))
    if (!is_component(component, wildcards))
      return fail(cat("\"", component, "\" is no part of a repository's name"));
  if (reference.repository().size() > kRepositoryBytes)
    return fail(cat("the repository has more than ", kRepositoryBytes, " characters"));
  return {};
}

Result<Reference> parse_with(std::string_view text, Wildcards wildcards) {
  Reference out;
  std::string_view name = text;
  if (auto at = name.find('@'); at != name.npos) {
    out.digest = name.substr(at + 1);
    if (!is_digest(out.digest))
      return fail(cat("\"", out.digest, "\" is no digest (sha256: and 64 hexadecimal digits)"));
    name = name.substr(0, at);
  }
  auto slash = name.rfind('/');
  if (auto colon = name.find(':', slash == name.npos ? 0 : slash); colon != name.npos) {
    out.tag = name.substr(colon + 1);
    if (!is_tag(out.tag, wildcards)) return fail(cat("\"", out.tag, "\" is no tag"));
    name = name.substr(0, colon);
  }
  if (name.empty()) return fail("no repository");
  if (name.size() == kDigestHex && std::ranges::all_of(name, is_hex))
    return fail("64 hexadecimal digits are an image's id, not a name");
  split_domain(name, out);
  TRY(check_repository(out, wildcards));
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  return out;
}

// ---- wildcards -------------------------------------------------------------------------------

// '*' stands for any characters. Linear: the last star alone is ever retried.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

bool matches_path(std::string_view pattern, std::string_view path) {
  auto expected = split(pattern, '/'), found = split(path, '/');
  bool open_end = expected.back() == "*";
  if (found.size() < expected.size() || (!open_end && found.size() != expected.size()))
    return false;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!glob(expected[i], found[i])) return false;
  return true;
}

}  // namespace

std::string Reference::repository() const { return cat(domain, "/", path); }

std::string Reference::text() const {
  std::string out = repository();
  if (!tag.empty()) out.append(":").append(tag);
  if (!digest.empty()) out.append("@").append(digest);
  return out;
}

std::string Reference::familiar() const {
  std::string out = text();
  // "docker.io/a.b/c" without its registry would be registry a.b's.
  if (domain != kDefaultDomain || names_registry(path.substr(0, path.find('/')))) return out;
  out.erase(0, domain.size() + 1);
  bool is_official = path.starts_with(kOfficial) && !path.substr(kOfficial.size()).contains('/');
  return is_official ? out.substr(kOfficial.size()) : out;
}

bool is_host(std::string_view text) {
  auto colon = text.rfind(':');
  std::string_view host = text;
  if (colon != text.npos && !text.ends_with(']')) {
    auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0) return false;
    host = text.substr(0, colon);
  }
  return is_ipv6(host) || std::ranges::all_of(split(host, '.'), is_host_label);
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  return text.size() == kAlgorithm.size() + kDigestHex && text.starts_with(kAlgorithm) &&
         std::ranges::all_of(text.substr(kAlgorithm.size()), is_hex);
}

Result<Reference> parse_reference(std::string_view text) {
  return parse_with(text, Wildcards::kNone);
}

Result<Pattern> Pattern::parse(std::string_view text) {
  Pattern out;
  out.text_ = text;
  out.any_ = text == "*";
  if (out.any_) return out;
  out.reference_ = TRY(parse_with(text, Wildcards::kAllowed));
  if (out.has_digest() && out.text_.contains('*'))
    return fail("a digest and a wildcard exclude each other");
  return out;
}

bool Pattern::is_exact() const {
  return !any_ && !reference_.path.contains('*') && !reference_.tag.contains('*');
}

bool Pattern::matches_repository(const Reference& reference) const {
  return any_ ||
         (reference_.domain == reference.domain && matches_path(reference_.path, reference.path));
}

bool Pattern::matches(const Reference& reference) const {
  if (any_) return true;
  if (!matches_repository(reference)) return false;
  if (has_digest()) return reference_.digest == reference.digest;
  if (!reference.digest.empty()) return reference_.tag == "*";
  return glob(reference_.tag, reference.tag);
}

}  // namespace bulkhead::images
