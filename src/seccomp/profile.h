// What check(), compile() and the cache share of a profile: its actions and flags as numbers.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::seccomp {

// "linux.seccomp.syscalls[index]"
std::string rule_key(std::size_t index);

// The default action and that of rule `index`, with their return codes in the low 16 bits.
Result<std::uint32_t> default_action(const spec::Seccomp& profile);
Result<std::uint32_t> rule_action(const spec::Seccomp& profile, std::size_t index);

bool uses_notify(const spec::Seccomp& profile);

// Filter::flags of the profile. Errors: unknown here or to the running kernel.
Result<std::uint32_t> flags_of(const spec::Seccomp& profile);

// The program of a profile that check() has passed.
Result<std::vector<sock_filter>> compile_program(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
