// Capability names and sets as bit masks (libcap has the names).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead::sys {

using CapabilityMask = std::uint64_t;

struct CapabilitySets {
  CapabilityMask bounding = 0, effective = 0, permitted = 0, inheritable = 0, ambient = 0;
};

// "CAP_SYS_ADMIN" -> its number. A name that libcap and this kernel do not know: nullopt.
std::optional<unsigned> capability_number(std::string_view name);
std::string capability_name(unsigned number);
unsigned last_capability();  // highest number that the kernel knows

// Async-signal-safe pieces for the way to exec; 0 or -errno.
int drop_bounding(CapabilityMask keep);
int set_capabilities(const CapabilitySets& sets);  // effective, permitted, inheritable
int set_ambient(CapabilityMask ambient);

// The caller's own sets.
Result<CapabilitySets> own_capabilities();

}  // namespace bulkhead::sys
