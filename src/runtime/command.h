// The commands as a table: a row names the command, its options and what runs it.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "cli/options.h"
#include "runtime/context.h"

namespace bulkhead::runtime {

struct Command {
  const char* name;
  const char* arguments;  // "CONTAINER [SIGNAL]"
  int min_arguments, max_arguments;  // max -1: any
  const char* help;
  std::span<const cli::Option> options;
  // The exit code, or the error that is printed with exit code 1.
  Result<int> (*run)(Context& context, const cli::Parsed& parsed);
};

// --preserve-fds, 0 when it is not given. Errors: not 0 to 1024.
Result<int> preserved_fds(const cli::Parsed& parsed);

std::span<const Command> lifecycle_commands();  // create start run delete kill
std::span<const Command> process_commands();    // exec ps
std::span<const Command> control_commands();    // pause resume update checkpoint restore
std::span<const Command> query_commands();      // state list events
std::span<const Command> host_commands();       // spec features plan
std::span<const Command> ids_commands();        // ids

}  // namespace bulkhead::runtime
