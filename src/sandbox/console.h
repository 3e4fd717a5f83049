// Terminals of containers, and the copy that "tmpcopyup" asks for.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sandbox {

struct PtyPair {
  UniqueFd master, slave;
};

// A pty of the devpts instance that `devpts` (its root directory) is of. The slave comes from the
// master (TIOCGPTPEER, 4.13), never from a path that the container could have changed
// (CVE-2025-52565).
Result<PtyPair> open_pty(BorrowedFd devpts);

// Copies what is in the directory `from` into `to`: directories, regular files, symlinks; with
// owner and mode.
Result<> copy_tree(BorrowedFd from, BorrowedFd to);

}  // namespace bulkhead::sandbox
