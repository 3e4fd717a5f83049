// The container's side: code that runs between clone and exec, in a forked copy of a
// single-threaded parent. House rules here: system calls and fixed buffers only; everything was
// prepared before; every failure is a Report through the sync socket and _exit.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandbox/namespaces.h"
#include "sandbox/prepare.h"
#include "sandbox/report.h"
#include "spec/types.h"

namespace bulkhead::sandbox {

struct ChildFds {
  BorrowedFd sync = -1;       // SEQPACKET to the set-up process
  BorrowedFd proc = -1;       // the host's procfs (O_PATH): answers by the caller's namespaces
  BorrowedFd start_fifo = -1;  // read one byte, then exec; -1: exec at once
  int preserved = 0;          // 3 .. 2+preserved stay open in the container
};

struct InitArguments {
  const Prepared& process;
  std::span<const UniqueFd> cgroup_tasks;  // v1: entered by the child itself (cgroup.h, Entrance)
  const spec::Spec& spec;
  const std::vector<plan::Sysctl>& sysctls;
  HostIds ids;
  ChildFds fds;
  bool new_network = false;  // made when the ids are mapped, while the set-up process goes on
  bool new_uts = true, new_cgroup = true, new_time = true, new_user = true;
  std::uint64_t root_propagation = 0;
  std::string time_offsets;      // for /proc/self/timens_offsets
  std::string keyring;           // session keyring's name; empty: keep
  const std::vector<spec::Hook>* start_hooks = nullptr;
  std::string hook_state;        // JSON for the startContainer hooks
};

// The life of the container's first process: prepares what needs no mounts, waits for the tree,
// locks it (unshare of the mount namespace in its own user namespace), becomes the process, reports
// ready, waits for `start`, execs.
[[noreturn]] void run_init(const InitArguments& arguments);

struct ExecArguments {
  const Prepared& process;
  ChildFds fds;
  std::string keyring;
};
// The same from the point where namespaces are joined, for `exec`.
[[noreturn]] void run_exec(const ExecArguments& arguments);

// Pieces of both (child_process.cc).
// Before close_others, while the cgroups' fds are open.
void enter_cgroups(std::span<const UniqueFd> tasks, BorrowedFd sync);
void close_others(const ChildFds& fds);  // all but stdio, preserved and ours
void use_terminal(BorrowedFd slave, BorrowedFd sync);
void become_process(const Prepared& process, const ChildFds& fds);  // up to a locked-in executable
void wait_for_start(const ChildFds& fds);
[[noreturn]] void execute(const Prepared& process, const ChildFds& fds);

// Receives the "go" message and the terminal (-1 when there is none). Dies when the parent did.
int receive_go(BorrowedFd sync);

}  // namespace bulkhead::sandbox
