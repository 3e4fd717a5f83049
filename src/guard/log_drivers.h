// Log drivers: the engine, as the host's root, opens the files and dials the addresses that a
// container's LogConfig names.
#pragma once

#include "guard/verdict.h"
#include "json/read.h"

namespace bulkhead::guard {

// Refused: drivers that are not listed, options that name files or unix sockets of the host.
Verdict<> judge_log_config(const json::Object* log_config);

}  // namespace bulkhead::guard
