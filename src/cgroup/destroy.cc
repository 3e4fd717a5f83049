#include "cgroup/destroy.h"

#include <time.h>

#include <algorithm>

#include "base/strings.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

std::int64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

}  // namespace

Result<> remove_trees(BorrowedFd root, std::vector<std::string> paths, int timeout_ms) {
  std::int64_t deadline_us = now_us() + timeout_ms * 1000L;
  for (long pause_us = 200;; pause_us = std::min(pause_us * 2, 20000L)) {
    Result<> first;
    bool may_retry = true;
    std::vector<std::string> left;
    for (std::string& path : paths) {
      auto removed = remove_tree(root, path.c_str());
      if (removed) continue;
      may_retry = may_retry && removed.error().code == EBUSY;
      if (first) first = std::move(removed);
      left.push_back(std::move(path));
    }
    if (first) return {};
    if (!may_retry || now_us() >= deadline_us) {
      if (first.error().code == EBUSY)
        first.error().message += cat("; processes in it did not end within ", timeout_ms, " ms");
      return first;
    }
    paths = std::move(left);
    timespec pause{.tv_sec = 0, .tv_nsec = pause_us * 1000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace bulkhead::cgroup
