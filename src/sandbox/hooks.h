// Hooks of the OCI configuration.
#pragma once

#include <string_view>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::sandbox {

// Runs one hook with `state` (JSON) on its stdin and only its own environment (CVE-2025-23266:
// nothing of the container's). Errors: it cannot run, fails, or takes longer than its timeout (it
// is killed then); its stderr is part of the message.
Result<> run_hook(const spec::Hook& hook, std::string_view state);

}  // namespace bulkhead::sandbox
