// The namespaces of a container under construction, by fd, and work done inside one of them by the
// set-up process, which returns to its own afterwards.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace bulkhead::sandbox {

// The ids of the host that container ids 0.. are mapped to.
struct HostIds {
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint32_t size = 0;
};

struct Namespaces {
  UniqueFd user, pid, network, ipc;       // of the container's init
  UniqueFd host_network, host_ipc;        // of the caller
  // `network` is opened later, when the init has it.
  static Result<Namespaces> of(pid_t init);
  Result<> open_network(pid_t init);
};

// Ends a process that cannot get back to the host's namespaces or identity and must not go on without:
// says so with errno, exit code 1. What it made is left to `delete --force`.
[[noreturn]] void abandon(const char* what);

// Runs `work` in another network or ipc namespace. If the way back fails the process must not go
// on in a foreign namespace: it ends.
template <typename Work>
auto inside(BorrowedFd there, BorrowedFd back, int flag, Work work) -> decltype(work()) {
  if (::setns(there, flag) < 0) return fail_errno("enter a namespace of the container");
  auto result = work();
  if (::setns(back, flag) < 0) abandon("leave a namespace of the container");
  return result;
}

// Brings `lo` up in the current network namespace.
Result<> bring_loopback_up();

// Writes the sysctls of one kind; the caller is inside that namespace. `proc_sys`: an fd of a
// procfs's "sys" directory (which answers by the caller's namespaces). `ids`: ping_group_range is
// in ids of the writer's user namespace, so container groups are shifted.
Result<> write_sysctls(const std::vector<plan::Sysctl>& sysctls, plan::Sysctl::Namespace where,
                       BorrowedFd proc_sys, const HostIds& ids);

}  // namespace bulkhead::sandbox
