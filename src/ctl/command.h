// bulkheadctl's commands as a table: to add one, write its function and a row in main.cc.
#pragma once

#include <span>

#include "base/result.h"
#include "cli/options.h"

namespace bulkhead::ctl {

struct Command {
  const char* group;      // "policy"
  const char* name;       // "check"
  const char* arguments;  // "[FILE]"
  const char* help;
  std::span<const cli::Option> options;
  // The exit code, or the error that is printed with exit code 1.
  Result<int> (*run)(const cli::Parsed& parsed);
};

inline constexpr int kExitRefused = 2;  // `policy explain`: it would be refused

std::span<const Command> policy_commands();  // policy.cc

}  // namespace bulkhead::ctl
