// What a keeper process gives up before it serves anything.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/capability.h"

namespace bulkhead::keeper {

// A mount namespace of its own whose only mount is an empty read-only tmpfs: nothing of the host is
// held busy or can be named. Working directory: /proc/self/fd of the procfs that was there before
// (the way to reopen own fds), out of any path's reach. Needs CAP_SYS_ADMIN. Errors name the step.
Result<> enter_empty_root();

// Keeps `keep` of the capabilities for good, whatever the file ids are set to (no root user, no
// fixup of capabilities, both locked), and takes no new privileges. Not dumpable.
Result<> drop_privileges(sys::CapabilityMask keep);

}  // namespace bulkhead::keeper
