// The process that stays: it holds the listening sockets and runs the worker that serves them. A
// worker that dies is replaced; clients that come meanwhile wait in the sockets' queues, and a socket
// that is mounted into a container keeps its inode. SIGHUP: the worker reads its settings anew.
// SIGUSR2: a new worker takes over (also of a new program file), the old one ends with its last
// connection.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::guard {

using Sockets = std::map<std::string, UniqueFd>;  // by path

// Runs until SIGTERM or SIGINT. `words`: the command line, program first, for workers too.
// Errors: the first worker did not become ready (it has said why).
Result<> supervise(Sockets sockets, const std::vector<std::string>& words);

// The worker's end.
class Supervisor {
 public:
  // `fd`: what the supervisor gave on the command line (kWorkerOption).
  static Result<Supervisor> take(BorrowedFd fd, Sockets& sockets);

  Result<> ready();  // the worker serves
  // Gives a socket into the supervisor's keeping, for the workers to come.
  Result<> keep(std::string_view path, BorrowedFd socket);
  Result<> drop(std::string_view path);

 private:
  UniqueFd socket_;
};

inline constexpr std::string_view kWorkerOption = "worker-fd";

}  // namespace bulkhead::guard
