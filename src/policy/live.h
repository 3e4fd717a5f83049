// The policy of a process that lives on while its settings file changes (SPEC G9). Pure: the caller
// watches and reads the file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/policy.h"

namespace bulkhead::policy {

class LivePolicy {
 public:
  // The first policy. `text`: the file's, nothing when there is no file (the defaults hold then).
  // Errors: the file is broken. There is no policy then and the caller must not start: an
  // installation whose rules nobody can read protects nothing.
  static Result<LivePolicy> start(std::string file_name, const std::optional<std::string>& text);

  // The file has changed. A broken one, or one that is gone (as for a moment while an editor
  // replaces it), leaves the last good policy in force and is the error; problem() keeps saying so
  // until a good file is there. True: another policy is in force than before.
  Result<bool> reload(const std::optional<std::string>& text);

  // The policy in force, never null. Who decides takes it once per decision, so that no decision is
  // made by half of one policy and half of another.
  std::shared_ptr<const Policy> current() const { return policy_; }
  const std::string& file_name() const { return file_name_; }

  // Why the file as it is now is not in force; empty when it is.
  const std::string& problem() const { return problem_; }
  // Counts the policies; 1 is the first.
  std::uint64_t generation() const { return generation_; }

 private:
  LivePolicy() = default;

  std::string file_name_, problem_;
  std::optional<std::string> text_;  // of the policy in force
  std::shared_ptr<const Policy> policy_;
  std::uint64_t generation_ = 1;
};

}  // namespace bulkhead::policy
