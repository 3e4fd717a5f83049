// Namespaces by fd.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/file.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace bulkhead::sys {

struct NamespaceKind {
  const char* oci_name;   // "network"
  const char* proc_name;  // "net"
  int clone_flag;
};
// Every kind, in the order in which a process joins them (user first).
inline constexpr NamespaceKind kNamespaceKinds[] = {
    {"user", "user", CLONE_NEWUSER}, {"pid", "pid", CLONE_NEWPID}, {"network", "net", CLONE_NEWNET},
    {"ipc", "ipc", CLONE_NEWIPC},    {"uts", "uts", CLONE_NEWUTS}, {"mount", "mnt", CLONE_NEWNS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP}, {"time", "time", CLONE_NEWTIME},
};
const NamespaceKind* find_namespace_kind(std::string_view oci_name);

// /proc/PID/ns/KIND. `pid` 0: the caller's own.
Result<UniqueFd> open_namespace(pid_t pid, const char* proc_name);

Result<> join_namespace(BorrowedFd fd, int clone_flag, std::string_view name);

// What kind of namespace the fd is (CLONE_NEW*), EINVAL-like error when it is none.
Result<int> namespace_type(BorrowedFd fd, std::string_view name);

// The user namespace that owns it (NS_GET_USERNS). EPERM when that is not in the caller's reach.
Result<UniqueFd> owner_of(BorrowedFd fd);

Result<Identity> namespace_identity(BorrowedFd fd);

struct IdRange {
  std::uint32_t inside = 0, outside = 0, size = 0;
};
// uid_map and gid_map (`file`) of a user namespace, read by a short-lived child inside it, so that
// `outside` is in its parent's ids.
Result<std::vector<IdRange>> read_id_map(BorrowedFd user_ns, const char* file);

}  // namespace bulkhead::sys
