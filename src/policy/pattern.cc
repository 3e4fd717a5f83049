#include "policy/pattern.h"

namespace bulkhead::policy {
namespace {

// Takes the first component off "/a/b", leaving "/b".
std::string_view take_component(std::string_view& path) {
  path.remove_prefix(1);
  auto component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

// `*` in one component. Backtracks to the last star only, so the time is at most the product of the
// lengths.
bool component_matches(std::string_view pattern, std::string_view text) {
  if (text.empty()) return pattern.empty();
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0, t = 0, star = kNone, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == kNone;
}

}  // namespace

bool is_canonical(std::string_view path) {
  if (path == "/") return true;
  if (!path.starts_with('/') || path.find('\0') != path.npos) return false;
  while (!path.empty()) {
    auto component = take_component(path);
    if (component.empty() || component == "." || component == "..") return false;
  }
  return true;
}

bool is_at_or_below(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return true;
  return path.starts_with(ancestor) &&
         (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

bool is_pattern(std::string_view pattern) {
  if (!is_canonical(pattern)) return false;
  if (pattern.ends_with("/**")) pattern.remove_suffix(3);
  return pattern.find("**") == pattern.npos;
}

bool matches(std::string_view pattern, std::string_view path) {
  if (!is_pattern(pattern) || !is_canonical(path)) return false;
  if (pattern == "/" || path == "/") return pattern == path;
  while (!pattern.empty() && !path.empty()) {
    auto expected = take_component(pattern);
    if (expected == "**") return true;
    if (!component_matches(expected, take_component(path))) return false;
  }
  return pattern.empty() && path.empty();
}

}  // namespace bulkhead::policy
