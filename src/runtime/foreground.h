// A container's or an exec's process in the foreground: signals go to it, its terminal is relayed
// to the caller's, its end is awaited.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::runtime {

// `pid` is a child of the caller. `master`: the pty to relay between it and stdin/stdout (raw mode,
// window size followed), or empty. Returns the exit code, 128+n for a signal.
Result<int> attend(pid_t pid, UniqueFd master);

}  // namespace bulkhead::runtime
