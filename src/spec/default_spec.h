// What `bulkhead spec` prints: a config.json to start from.
#pragma once

#include <string>

namespace bulkhead::spec {

// The configuration that `runc spec` makes (a terminal with sh, few capabilities, read-only root,
// the usual mounts, masked and read-only paths) plus a cgroup namespace. The user namespace is not
// in it: Bulkhead always makes one, and with the type named other runtimes would want mappings.
// Ends with a newline; read_spec() takes it.
std::string default_spec();

}  // namespace bulkhead::spec
