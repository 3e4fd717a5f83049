// The container's first process under construction, seen from the set-up process. Dropping it
// before release() kills the process (and with it everything in its pid namespace).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "plan/plan.h"
#include "sandbox/child.h"
#include "sandbox/namespaces.h"
#include "sandbox/prepare.h"
#include "spec/types.h"

namespace bulkhead::sandbox {

struct LaunchInputs {
  const spec::Spec& spec;
  const plan::Plan& plan;
  const Prepared& process;
  HostIds ids;
  const cgroup::Entrance& entrance;
  BorrowedFd start_fifo = -1;
  int preserved_fds = 0;
  std::string keyring;
  std::string hook_state;  // JSON for the startContainer hooks
};

// Takes what the init sends with a listener (SCMP_ACT_NOTIFY).
using ListenerSink = std::function<Result<>(UniqueFd listener)>;

class Init {
 public:
  // Clones the process with all new namespaces but the mount namespace, which it shares with the
  // caller (who is in a private one) until the tree is ready. When namespaces of another container
  // are joined, an intermediate process enters its user namespace first, so that the new namespaces
  // belong to it.
  static Result<Init> clone(const LaunchInputs& inputs);

  Init(Init&& other) noexcept;
  Init& operator=(Init&&) = delete;
  ~Init();

  pid_t pid() const { return pid_; }

  // Writes uid_map and gid_map (new user namespaces only).
  Result<> map_ids(const HostIds& ids);

  // What needs the host's privileges over the new process: rlimits, oom_score_adj, scheduler, I/O
  // priority. A host that lacks CAP_SYS_RESOURCE gets what is possible, with a warning each.
  Result<std::vector<std::string>> apply_limits(const Prepared& process);

  // The tree is complete and pivoted: lets the process lock it and go on. `terminal`: -1 or the pty
  // slave.
  Result<> proceed(BorrowedFd terminal);

  // For a container with a network namespace of its own, after map_ids(): the process makes it while
  // the caller does other things, who waits before using it.
  Result<> begin_network();
  Result<> await_network();

  // Until the process is ready to exec (waiting for `start`, or having exec'd). Its error otherwise.
  Result<> await_ready(const ListenerSink& listener);

  // The init's own reason, when what was done to it failed because it had failed or been killed: "open
  // /proc/42/ns/net: No such file" says nothing. Other outcomes as they are.
  Result<> explain(Result<> outcome) const;

  // The process is on its own from here.
  pid_t release();

 private:
  // `waits`: it reports ready and waits for `start`; else exec closes its end of `sync`.
  Init(pid_t pid, UniqueFd sync, bool waits) : pid_(pid), sync_(std::move(sync)), waits_(waits) {}
  struct Message;
  Result<Message> receive(int flags) const;
  Result<> judge(const Message& message);
  Result<> judge_end() const;
  friend Result<Init> start_exec(const struct ExecInputs& inputs);
  pid_t pid_ = -1;
  UniqueFd sync_;
  bool waits_;
  bool has_told_ = false;  // why it failed
};

struct ExecInputs {
  BorrowedFd pidfd;               // of the container's init
  const Prepared& process;
  int preserved_fds = 0;
  std::string keyring;
  const cgroup::Entrance& entrance;
};

// A process that has joined all namespaces of a running container and waits for proceed().
Result<Init> start_exec(const ExecInputs& inputs);

}  // namespace bulkhead::sandbox
