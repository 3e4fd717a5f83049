// WWW-Authenticate: how a registry wants to be asked (RFC 9110, and the token scheme of the
// distribution project).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead::registry {

struct Challenge {
  enum class Scheme { kBasic, kBearer };
  Scheme scheme = Scheme::kBasic;
  std::string realm;  // of Bearer: the token server's URL, unchecked
  std::string service, scope;
};

// The first challenge of a header's value that we can answer, Bearer before Basic. nullopt: there
// is none, also where the text is malformed.
std::optional<Challenge> parse_challenge(std::string_view header);

// The token in a token server's JSON answer ("token" or "access_token"). Errors: none, or one with
// characters that would break out of a header.
Result<std::string> parse_token(std::string_view text);

}  // namespace bulkhead::registry
