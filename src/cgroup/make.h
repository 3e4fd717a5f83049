// Making a container's cgroup in one hierarchy, and taking it back.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/host.h"

namespace bulkhead::cgroup {

enum class Existing {
  kReplace,  // an empty cgroup of that name is removed and made anew, so that no limit, owner or
             // sub-cgroup of its past stays; one with processes or a frozen one is refused
  kAdopt,    // it is taken as it is (systemd has made it)
};

struct Made {
  UniqueFd directory;          // O_PATH
  std::size_t components = 0;  // how many, from the path's end, are new
};

// Makes `hierarchy`'s cgroup `path` ("/a/b") below `root`, with missing ancestors. On error nothing
// that this call made is left.
Result<Made> make_cgroup(BorrowedFd root, const Hierarchy& hierarchy, const std::string& path,
                         Existing existing);

// Takes back what make_cgroup made; ancestors that somebody else uses by now stay.
void unmake_cgroup(BorrowedFd root, const Hierarchy& hierarchy, const std::string& path,
                   std::size_t components);

}  // namespace bulkhead::cgroup
