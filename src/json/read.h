// Strict JSON in: the only door for text that we did not write. Boost.JSON tokenizes; our handler
// refuses what JSON parsers read differently from each other, because "first wins" here and "last
// wins" in the engine (Go) is a way around every check: duplicate keys, integers over 64 bits and
// numbers that are not finite, NUL characters in strings (they end a path for the kernel), bad
// UTF-8, lone surrogates, trailing data, depth over limits::kJsonDepth.
// Keys that differ from a known one only in Go's case folding are refused where keys have a
// meaning: read_object() of json/fields.h. In maps whose keys are data they are legitimate.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace bulkhead::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

// Parses one document; blanks around it are allowed, a byte order mark is not. Numbers written
// without fraction and exponent are int64 or uint64 kinds, others double. The value owns its
// memory, in one arena. Errors: "line 3, column 14: duplicate key \"path\"" (columns in bytes).
// The caller limits the size of `text`.
Result<Value> parse(std::string_view text);

}  // namespace bulkhead::json
