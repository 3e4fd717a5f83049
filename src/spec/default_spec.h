// What `bulkhead spec` prints: a config.json to start from.
#pragma once

#include <string>

namespace bulkhead::spec {

// The configuration that `runc spec` makes (a terminal with sh, few capabilities, read-only root,
// the usual mounts, masked and read-only paths) plus the user and cgroup namespaces that every
// Bulkhead container gets. Ends with a newline; read_spec() takes it.
std::string default_spec();

}  // namespace bulkhead::spec
