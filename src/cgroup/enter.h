// Ways into a cgroup, and giving it away.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

// cgroup2: the cgroup that a process may enter for the container at `root`/`prefix``path`: that
// one, or, when its controllers are enabled for its children ("no internal processes", done from
// inside by systemd or dockerd), the one where `init` is, or else a leaf "bulkhead-exec" made
// beside. O_PATH. `init` 0: not asked, always the container's own.
Result<UniqueFd> enterable(BorrowedFd root, const std::string& prefix, const std::string& path,
                           pid_t init);

// Writes `pid` to cgroup.procs.
Result<> move_process(BorrowedFd dir, pid_t pid);

// chown of the directory and of the files that the kernel's delegation rules name. Files of limits
// stay as they are; what the new owner makes below is its own.
Result<> give_away(BorrowedFd dir, bool unified, uid_t uid, gid_t gid);

// True when somebody else than host root owns `dir`.
bool is_given_away(BorrowedFd dir);

}  // namespace bulkhead::cgroup
