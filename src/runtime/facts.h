// Gathers what plan/ has to know of the host: opens every bind source once (O_PATH) and tells what
// it is; the same fd is mounted later, so what was judged is what is mounted.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/facts.h"
#include "policy/policy.h"
#include "spec/types.h"

namespace bulkhead::runtime {

struct Gathered {
  plan::Facts facts;
  std::vector<UniqueFd> sources;  // per spec mount
  std::vector<UniqueFd> namespaces;
};

// `rootfs`: resolved root.path. Errors name the mount or namespace that cannot be opened.
Result<Gathered> gather_facts(const spec::Spec& spec, const policy::Policy& policy,
                              const std::string& bundle, const std::string& rootfs);

}  // namespace bulkhead::runtime
