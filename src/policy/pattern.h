// Path patterns of the settings file. Pure text: the caller resolves paths first.
#pragma once

#include <string_view>

namespace bulkhead::policy {

// Whether `path` is absolute and canonical in form: no empty, "." or ".." component, no trailing
// slash ("/" itself is).
bool is_canonical(std::string_view path);

// Whether `path` is `ancestor` or below it. Both canonical.
bool is_at_or_below(std::string_view path, std::string_view ancestor);

// Whether `pattern` is one: canonical in form, "**" at most as its last component.
bool is_pattern(std::string_view pattern);

// Whether `path` matches: component by component, `*` stands for any characters within one
// component (at least one when it is the whole component), a last component "**" for everything
// below, but not the directory itself. Never true for a path that is not canonical or for an
// invalid pattern.
bool matches(std::string_view pattern, std::string_view path);

}  // namespace bulkhead::policy
