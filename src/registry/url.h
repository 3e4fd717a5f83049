// The only URLs that bulkhead-registry follows: https, a plain host, a plain path.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulkhead::registry {

struct Url {
  std::string host;  // "host" or "host:port", as written; lower case
  std::string path;  // with its query, from '/' on

  std::string text() const;  // "https://host/path"
};

// Errors: not https, user info, a fragment, anything but printable ASCII, a host that is none.
Result<Url> parse_url(std::string_view text);

// "?key=value&..." or "&..." for a path that has a query already; percent-encoded.
std::string with_query(std::string_view path,
                       const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace bulkhead::registry
