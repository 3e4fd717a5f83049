// config.json, process.json and resources files into spec values: strict JSON, a table per object
// (key, type, handler, required), limits checked, every name in an error as a path ("linux.seccomp
// .syscalls[3].action").
#pragma once

#include <string_view>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::spec {

// A whole config.json. Unknown keys are ignored as the specification demands ("extensibility");
// mistyped ones, duplicate keys, trailing data, missing mandatory fields (ociVersion; a major
// version other than 1), over-limit sizes, NUL bytes in strings that go to the kernel are errors.
// Known but unsupported features (intelRdt, ...) are read far enough that the caller can refuse
// them by name. Platform objects of other systems (windows, vm, ...) are skipped.
Result<Spec> read_spec(std::string_view json);

// The "process" object alone, as `exec --process FILE` takes it.
Result<Process> read_process(std::string_view json);

// The "linux.resources" object alone, as `update --resources FILE` takes it.
Result<Resources> read_resources(std::string_view json);

}  // namespace bulkhead::spec
