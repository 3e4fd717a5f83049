// A unit property from the command line: "MemoryMax=t:67108864".
#pragma once

#include <systemd/sd-bus.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead::scope {

struct Property {
  std::string name, type, value;
};

// Types: t (decimal, or "max" for UINT64_MAX), s, b (true, false), ay (hexadecimal), a(ss)
// ("first second;first second", empty for none).
Result<Property> parse_property(std::string_view text);

// Appends it as one (sv) of an open array. Returns 0 or a negative errno of sd-bus.
int append_property(sd_bus_message* message, const Property& property);

}  // namespace bulkhead::scope
