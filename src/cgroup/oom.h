// News of out-of-memory kills, for `events`.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

class OomWatch {
 public:
  struct News {
    std::uint64_t ooms = 0;  // since the last call; v1: of the container's limit or one above it,
                             // v2: kills in any of its cgroups
    bool ended = false;      // the cgroup is gone or empty: nothing more will come
  };

  // `dir`: the container's cgroup in v1's memory hierarchy (an eventfd on memory.oom_control) or in
  // cgroup2 (inotify on memory.events and cgroup.events). Errors: no memory controller there.
  static Result<OomWatch> open_v1(BorrowedFd dir);
  static Result<OomWatch> open_v2(BorrowedFd dir);

  // Readable (POLLIN) when take() has something to say.
  BorrowedFd fd() const { return notify_.get(); }

  // Never blocks.
  Result<News> take();

 private:
  Result<News> take_v1();
  Result<News> take_v2();

  bool unified_ = false;
  UniqueFd directory_, notify_, control_;
  std::uint64_t last_ = 0;
};

}  // namespace bulkhead::cgroup
