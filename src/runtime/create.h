// `create` (and the first half of `run`).
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/context.h"

namespace bulkhead::runtime {

struct CreateOptions {
  std::string id, bundle = ".", console_socket, pid_file;
  int preserved_fds = 0;
  bool no_new_keyring = false, no_pivot = false;
};

// Makes the container up to the point where `start` lets its process go on. On error nothing is
// left: no process, mount, cgroup, id range or file. Returns the init's pid.
// `foreground_master`: receives the terminal's master when there is a terminal and no console
// socket; nullptr: a console socket is demanded.
Result<pid_t> create(const Context& context, const CreateOptions& options,
                     UniqueFd* foreground_master);

}  // namespace bulkhead::runtime
