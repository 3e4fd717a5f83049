// When which hooks run, in which namespaces, with which state.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/store.h"
#include "sandbox/namespaces.h"
#include "spec/types.h"

namespace bulkhead::runtime {

// The state that hooks, listeners and `state` get (OCI "State of a container").
std::string oci_state(const State& state, const char* status, const spec::StringMap& annotations,
                      bool pretty = false);

// Whether the prestart and createRuntime hooks are Docker's own network hook and nothing else: it
// needs the network namespace only, so it may run while the mounts are still being built. Others
// (GPU tool kits) look for the root file system.
bool need_network_only(const spec::Hooks& hooks);

// prestart and createRuntime hooks, run one after the other by a process beside, in the host's
// mount namespace.
class HookRun {
 public:
  static Result<HookRun> start(const spec::Spec& spec, const State& state, BorrowedFd host_mounts);
  Result<> wait();
  HookRun(HookRun&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), messages_(std::move(other.messages_)) {}
  HookRun& operator=(HookRun&&) = delete;
  ~HookRun();

 private:
  HookRun(pid_t pid, UniqueFd messages) : pid_(pid), messages_(std::move(messages)) {}
  pid_t pid_;
  UniqueFd messages_;
};

// createContainer hooks: in the container's namespaces (mounts: M0, before the pivot).
Result<> run_container_hooks(const spec::Spec& spec, const State& state,
                             const sandbox::Namespaces& namespaces);

// poststart and poststop: in the host's namespaces; failures are warnings, as the specification says.
void run_late_hooks(const std::vector<spec::Hook>& hooks, const State& state, const char* status,
                    const spec::StringMap& annotations);

// The agent that a profile with SCMP_ACT_NOTIFY names (linux.seccomp.listenerPath), connected to where the
// host's paths can be seen, and what it is told with the listener.
Result<UniqueFd> connect_agent(const spec::Spec& spec);
Result<> send_listener(const spec::Spec& spec, const State& state, BorrowedFd agent, BorrowedFd listener);

}  // namespace bulkhead::runtime
