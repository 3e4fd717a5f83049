// Ends of containers, shared by `delete`, `run` and `kill`.
#pragma once

#include "base/result.h"
#include "runtime/context.h"

namespace bulkhead::runtime {

inline constexpr int kDeleteTimeoutMs = 10000;  // R12: `delete --force` ends within 10 s

struct Loaded {
  Entry entry;
  State state;
};
// The container, its state read. Errors: it does not exist, its state file is damaged.
Result<Loaded> load(const Context& context, std::string_view id);

// A pidfd of the init, checked to be that process and not a later one of the same number.
Result<UniqueFd> open_init(const State& state);

// Removes everything of a container; `force` kills what runs and takes a half-made one.
Result<> destroy(const Context& context, std::string_view id, bool force);

Result<> start(const Context& context, std::string_view id);

}  // namespace bulkhead::runtime
