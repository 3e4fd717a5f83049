// What would become of a docker command under a policy, and why. Says before what the guard and the
// runtime say then; those judge the objects themselves (inodes, digests, the final mounts), this
// what can be told from words and this host's names.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/docker_words.h"
#include "policy/policy.h"

namespace bulkhead::ctl {

struct Finding {
  enum class Kind { kNote, kRefused };
  Kind kind = Kind::kNote;
  std::string text;
};

struct ExplainInputs {
  const policy::Policy& policy;
  std::string_view settings_file;
  // Where a host path leads, symlinks resolved; as it is when nothing is there. Canonical.
  std::function<std::string(const std::string&)> resolve;
  // For commands through a socket: the image of the container that has it, verified; or none.
  images::Reference caller;
};

std::vector<Finding> explain(const DockerWords& words, const ExplainInputs& inputs);

}  // namespace bulkhead::ctl
