// A request's target as the engine's router understands it, taken apart once and written anew: the
// client's bytes do not go on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guard/verdict.h"

namespace bulkhead::guard {

// The newest API version whose endpoints and fields the tables of this guard know.
inline constexpr unsigned kMaxApiMinor = 56;
inline constexpr unsigned kMinApiMinor = 24;  // no engine since 2016 speaks an older one

class Query {
 public:
  // The value of a parameter that may be given once; "" when absent.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  // As Go's handlers read a flag: anything but "", 0, no, false and none.
  bool flag(std::string_view name) const;
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);

  std::vector<std::pair<std::string, std::string>> parameters;  // decoded, in order
};

struct Target {
  std::optional<unsigned> minor;  // N of /v1.N; nothing: the path names no version
  std::string path;               // decoded, without the version: "/containers/json"
  Query query;

  std::string text() const;  // canonical and percent-encoded
};

// Refused (400): absolute and asterisk forms, fragments, paths with empty, "." or ".." components,
// encoded slashes, control bytes, backslashes, semicolons, bad UTF-8; versions that are not v1.N or
// out of [kMinApiMinor, kMaxApiMinor]; a parameter given twice, unless it is one that lists.
Verdict<Target> parse_target(std::string_view text);

}  // namespace bulkhead::guard
