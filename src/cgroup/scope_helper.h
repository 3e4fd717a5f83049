// Running bulkhead-scope and reading its one-line answer.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

class ScopeHelper {
 public:
  ScopeHelper() = default;
  ScopeHelper(const ScopeHelper&) = delete;
  ScopeHelper& operator=(const ScopeHelper&) = delete;
  ~ScopeHelper() { finish(); }

  // Starts bulkhead-scope, from the directory of our own executable or from /usr/libexec/bulkhead,
  // with an empty environment. Does not wait. Errors: it is not there, cannot be run.
  Result<> start(std::vector<std::string> arguments);

  // Its answer: what follows "ok " (may be empty), or the error that it told.
  Result<std::string> answer(int timeout_ms);

  // Lets it end and reaps it.
  void finish();

  bool running() const { return pid_ > 0; }

 private:
  pid_t pid_ = -1;
  UniqueFd input_, output_;
};

}  // namespace bulkhead::cgroup
