// What a rule says: nothing, or a refusal with what the caller is to read.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"  // TRY

namespace bulkhead::guard {

struct Refusal {
  unsigned status = 403;  // HTTP; 0: not decided, a fact is missing (Facts)
  std::string rule;       // its name in the audit log: "socket-mount"
  std::string message;    // what, why and the way out; becomes {"message": ...}
};

template <typename T = void>
using Verdict = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(std::string_view rule, std::string message) {
  return std::unexpected(Refusal{403, std::string(rule), std::move(message)});
}

// The request itself is wrong, whatever the policy.
inline std::unexpected<Refusal> malformed(std::string message) {
  return std::unexpected(Refusal{400, "malformed", std::move(message)});
}

}  // namespace bulkhead::guard
