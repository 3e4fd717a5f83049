// What the guard demands of the engine behind it. Restarts, swarm tasks and builds are made inside the
// engine, where no request passes: there its own configuration must name our runtime. It is looked
// at before the first request goes to an engine process, also after the engine was restarted.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "json/read.h"

namespace bulkhead::guard {

// What /info must say: our runtime is known and the default one, and no TCP port is open.
Result<> check_info(const json::Object& info, std::string_view runtime);

// How an engine was started.
struct EngineSetup {
  std::string command;      // /proc/PID/cmdline
  std::string environment;  // /proc/PID/environ
  std::string daemon_json;  // the text of its configuration file, "" when there is none
};

// The configuration file that a command line names.
std::string config_file_of(std::string_view command);

// What the process must have been told: no TCP listener, a runtime for BuildKit (which asks for none:
// DOCKER_BUILDKIT_RUNC_COMMAND, and before Engine 23 the first "runc" in PATH), and no entitlements
// for host networks and insecure builds. `runtime_path`: the program of our runtime.
Result<> check_setup(const EngineSetup& setup, std::string_view engine_version,
                     std::string_view runtime_path);

// Whether only root can reach the socket: by its own mode, or by that of a directory above it.
Result<> check_private(const std::string& socket);

// The engine process that was looked at and found good.
class VerifiedEngine {
 public:
  // Whether `connection` is to that process.
  bool is_verified(BorrowedFd connection) const;

  // Judges the process behind `connection`, with what it answered to GET /info.
  Result<> verify(BorrowedFd connection, const json::Object& info, std::string_view runtime);

 private:
  pid_t pid_ = 0;
  UniqueFd pidfd_;  // tells a process from a later one with its number
};

}  // namespace bulkhead::guard
