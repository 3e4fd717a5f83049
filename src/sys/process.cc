#include "sys/process.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::sys {

Result<pid_t> clone_process(std::uint64_t flags, BorrowedFd cgroup) {
  long pid;
  if (cgroup >= 0) {
    clone_args args{};
    args.flags = flags | CLONE_INTO_CGROUP;
    // With CLONE_PARENT the child has the caller's exit signal; clone3 refuses another.
    args.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;
    args.cgroup = static_cast<__u64>(cgroup);
    pid = syscall(SYS_clone3, &args, sizeof args);
  } else {
    pid = syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  }
  if (pid < 0) return fail_errno("clone");
  return static_cast<pid_t>(pid);
}

void reset_signals() {
  constexpr int kSignals = 64;
  constexpr std::size_t kMaskBytes = kSignals / 8;
  // The kernel's struct sigaction: handler, flags, restorer, mask; all zero is SIG_DFL.
  const std::uint64_t by_default[4] = {};
  for (int signal = 1; signal <= kSignals; ++signal)
    syscall(SYS_rt_sigaction, signal, by_default, nullptr, kMaskBytes);  // SIGKILL, SIGSTOP: EINVAL
  const std::uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kMaskBytes);
}

Result<UniqueFd> open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return fail_errno(cat("pidfd_open ", pid));
  return fd;
}

Result<> signal_pidfd(BorrowedFd pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0)
    return fail_errno(cat("send signal ", signal));
  return {};
}

Result<std::optional<ProcessStat>> process_stat(pid_t pid) {
  auto text = read_file(cat("/proc/", pid, "/stat"), limits::kSmallFileBytes);
  if (!text && (text.error().code == ENOENT || text.error().code == ESRCH))
    return std::optional<ProcessStat>();
  if (!text) return std::unexpected(text.error());
  // "PID (COMM) S PPID ...": COMM may hold anything, so start behind the last parenthesis.
  std::string_view rest = *text;
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 2));
  auto fields = split(rest, ' ');
  if (fields.size() < 20 || fields[0].empty()) return fail(cat("/proc/", pid, "/stat: malformed"));
  return ProcessStat{.parent = parse_decimal<pid_t>(fields[1]).value_or(0),
                     .state = fields[0][0],
                     .start_ticks = parse_decimal<std::uint64_t>(fields[19]).value_or(0)};
}

Result<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return fail_errno(cat("wait for process ", pid));
  return status;
}

int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::optional<int> parse_signal(std::string_view name) {
  if (auto number = parse_decimal<int>(name))
    return *number >= 0 && *number <= SIGRTMAX ? number : std::nullopt;
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  std::string_view bare = upper;
  if (bare.starts_with("SIG")) bare.remove_prefix(3);
  if (bare.starts_with("RTMIN+")) {
    auto offset = parse_decimal<int>(bare.substr(6));
    return offset && *offset >= 0 && SIGRTMIN + *offset <= SIGRTMAX ? std::optional(SIGRTMIN + *offset)
                                                   : std::nullopt;
  }
  if (bare.starts_with("RTMAX-")) {
    auto offset = parse_decimal<int>(bare.substr(6));
    return offset && *offset >= 0 && SIGRTMAX - *offset >= SIGRTMIN ? std::optional(SIGRTMAX - *offset)
                                                                    : std::nullopt;
  }
  if (bare == "RTMAX") return SIGRTMAX;
  if (bare == "IOT") return SIGABRT;
  if (bare == "CLD") return SIGCHLD;
  if (bare == "RTMIN") return SIGRTMIN;
  for (int number = 1; number < NSIG; ++number) {
    const char* abbreviation = sigabbrev_np(number);
    if (abbreviation && bare == abbreviation) return number;
  }
  return std::nullopt;
}

}  // namespace bulkhead::sys
