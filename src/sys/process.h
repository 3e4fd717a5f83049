// Processes: clone, identity over pid reuse, wait, signals by name.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sys {

// fork(2) with CLONE_* flags: 0 in the child. The caller must be single-threaded. `cgroup`: an fd of
// a cgroup2 directory in which the child is born (CLONE_INTO_CGROUP, 5.7), or -1.
Result<pid_t> clone_process(std::uint64_t flags, BorrowedFd cgroup = -1);

Result<UniqueFd> open_pidfd(pid_t pid);
Result<> signal_pidfd(BorrowedFd pidfd, int signal);

struct ProcessStat {
  pid_t parent = 0;
  char state = '?';                // R S D Z X ...
  std::uint64_t start_ticks = 0;   // field 22: with the pid, a process's identity
};
// /proc/PID/stat; nullopt when there is no such process.
Result<std::optional<ProcessStat>> process_stat(pid_t pid);

// waitpid that survives EINTR; the raw status.
Result<int> wait_for(pid_t pid);
int exit_code(int status);  // as shells: 128+signal

// For a process about to exec a program that is not ours: nothing ignored, nothing blocked. What is
// ignored or blocked stays so over exec, also the signals that glibc keeps for itself and whose
// dispositions its sigaction does not touch (posix_spawn hands them on ignored).
void reset_signals();

// "TERM", "SIGTERM", "15", "SIGRTMIN+3".
std::optional<int> parse_signal(std::string_view name);

}  // namespace bulkhead::sys
