// Test helper: runs a function in a child and, at its n-th system call, kills it or makes the call
// fail, by ptrace. With n from 1 until the child gets through, every call is tried: "fail the n-th
// syscall for every n" without a seam in the code under test. x86-64 only.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace bulkhead::testing {

enum class Outcome { kExited, kKilled, kNoPtrace };

struct FaultRun {
  Outcome outcome = Outcome::kNoPtrace;
  int exit_code = -1;
  bool injected = false;  // false: the child made fewer calls
};

// Marks where `body` begins and ends for the tracer: calls outside are not counted.
inline constexpr long kMarker = 0x7ace;
inline void fault_marker() { syscall(SYS_prctl, kMarker, 0, 0, 0, 0); }

// `error` > 0: the n-th call (from 1) is not made and fails with it; 0: the child is killed before
// the n-th call. `body` returns the exit code.
template <typename Body>
FaultRun run_with_fault(int n, int error, Body body) {
  FaultRun run;
#ifdef __x86_64__
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(250);
    raise(SIGSTOP);
    fault_marker();
    const int code = body();
    fault_marker();
    _exit(code);
  }
  int status = 0, calls = 0;
  bool is_entry = false, is_counting = false, fail_this = false;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return run;
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  while (ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0 && waitpid(child, &status, 0) > 0) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
    user_regs_struct regs{};
    ptrace(PTRACE_GETREGS, child, nullptr, &regs);
    is_entry = !is_entry;
    if (!is_entry && fail_this) {
      regs.rax = static_cast<unsigned long long>(-error);
      ptrace(PTRACE_SETREGS, child, nullptr, &regs);
      fail_this = false;
    }
    if (!is_entry) continue;
    if (regs.orig_rax == SYS_prctl && static_cast<long>(regs.rdi) == kMarker) {
      is_counting = !is_counting;
      continue;
    }
    if (!is_counting || ++calls != n) continue;
    run.injected = true;
    if (error == 0) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    regs.orig_rax = static_cast<unsigned long long>(-1);  // no call
    ptrace(PTRACE_SETREGS, child, nullptr, &regs);
    fail_this = true;
  }
  run.outcome = WIFEXITED(status) ? Outcome::kExited : Outcome::kKilled;
  if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  if (run.exit_code == 250) run.outcome = Outcome::kNoPtrace;
#else
  (void)n, (void)error, (void)body;
#endif
  return run;
}

}  // namespace bulkhead::testing
