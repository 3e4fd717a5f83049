// The OCI bundle: config.json and the root directory.
#pragma once

#include <string>

#include "base/result.h"
#include "sandbox/prepare.h"
#include "spec/types.h"

namespace bulkhead::runtime {

struct Bundle {
  std::string path;    // resolved
  std::string config;  // the text
  std::string rootfs;  // resolved root.path
  spec::Spec spec;
};

// Errors: no config.json, malformed, no root directory; each names the file.
Result<Bundle> load_bundle(const std::string& path);

// prepare() of a process of this container with the container's filter, compiled or from the cache.
// `environment`: entries besides the process's own.
Result<sandbox::Prepared> prepare_process(const spec::Spec& spec, spec::Process process,
                                          const std::vector<std::string>& environment = {});

}  // namespace bulkhead::runtime
