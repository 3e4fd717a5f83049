// Helpers of the tests that make real cgroups.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "cgroup/cgroup.h"

namespace bulkhead::cgroup::test {

inline std::string slurp(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// A child that runs `body` and then exits with its value; killed and reaped at the latest here.
class Process {
 public:
  explicit Process(const std::function<int()>& body) : pid_(fork()) {
    if (pid_ == 0) _exit(body());
  }
  Process(const Process&) = delete;
  ~Process() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

// Held while a test enables controllers at cgroup2's root and takes that back: the tests of several
// processes would take them from each other. Locks the mount's root directory, so leaves no file.
inline UniqueFd lock_cgroup2() {
  UniqueFd root(open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(flock(root.get(), LOCK_EX), 0);
  return root;
}

inline int sleep_forever() {
  while (true) pause();
}

}  // namespace bulkhead::cgroup::test
