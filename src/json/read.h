// Strict JSON in: the only door for text that we did not write. Boost.JSON tokenizes; the handler
// refuses duplicate keys and keys that differ only in (Go's) case folding, numbers that do not fit
// 64 bits or are not finite, bad UTF-8, trailing data, depth over limits::kJsonDepth.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

#include <boost/json/value.hpp>

namespace bulkhead::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

// Parses one document. `free_form_paths`: paths ("annotations", "linux.sysctl") of objects whose
// keys are data, so that case variants are legitimate there (exact duplicates never are).
Result<Value> parse(std::string_view text, std::span<const std::string_view> free_form_paths = {});

}  // namespace bulkhead::json
