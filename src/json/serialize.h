// A parsed value back as text.
#pragma once

#include <string>

#include "json/read.h"

namespace bulkhead::json {

// Compact, members in the order in which they stand. Doubles as their shortest exact text.
std::string serialize(const Value& value);

}  // namespace bulkhead::json
