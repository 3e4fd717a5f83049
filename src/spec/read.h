// config.json, process.json and resources files into spec values: strict JSON, a table per object
// (key, type, handler, required), limits checked, every name in an error as a path ("linux.seccomp
// .syscalls[3].action").
#pragma once

#include <string_view>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::spec {

// A whole config.json. Unknown keys are ignored as the specification demands ("extensibility");
// mistyped ones, duplicates and case variants of known ones, trailing data, missing mandatory
// fields (ociVersion, with major version 1; root; args and cwd of a process), over-limit sizes, NUL
// bytes in strings, the id 4294967295, namespaces and rlimits that are there twice are errors. null
// is "absent". linux.netDevices and linux.memoryPolicy are refused by name; intelRdt is read as a
// flag so that the caller can refuse it. Platform objects of other systems (windows, vm, ...) are
// skipped. Not judged here: names of capabilities, rlimits, seccomp and sysctls, mount options,
// cgroup values: those who use them know what is valid.
Result<Spec> read_spec(std::string_view json);

// The "process" object alone, as `exec --process FILE` takes it.
Result<Process> read_process(std::string_view json);

// The "linux.resources" object alone, as `update --resources FILE` takes it.
Result<Resources> read_resources(std::string_view json);

}  // namespace bulkhead::spec
