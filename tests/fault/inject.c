/* Makes one system call of a program fail, or kills one of its processes there.
 *
 *   fault_inject REPORT [--process P --call N (--error ERRNO | --kill)] -- PROGRAM [ARGUMENTS]
 *
 * Process 0 is the program, its children count from 1 in the order in which they are made; calls
 * count from 1 in each process, beginning after the program's execve. A process that calls execve
 * itself is let go: what runs then (the container's process, a hook) is not under test. The call is
 * skipped and answers ERRNO; close(2) is made all the same, since no close keeps its descriptor. With
 * --kill the process gets SIGKILL before the call.
 *
 * REPORT gets a line per call without a fault ("call P N NUMBER"), "injected P N NUMBER" with one that
 * was reached, and "exit STATUS" or "signal NUMBER" of the program. It ends with the program: what the
 * program leaves behind runs on, untraced.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PROCESSES = 64 };

struct process {
  pid_t pid;
  int calls;
  int is_inside; /* between the entry and the exit of a call */
  int is_failing;
};

static struct process processes[MAX_PROCESSES];
static int process_count;
static FILE *report;
static int want_process = -1, want_call = 0, want_error = 0, want_kill = 0;

static void die(const char *what) {
  fprintf(stderr, "fault_inject: %s: %s\n", what, strerror(errno));
  exit(125);
}

static int find(pid_t pid) {
  for (int i = 0; i < process_count; ++i)
    if (processes[i].pid == pid) return i;
  return -1;
}

static int add(pid_t pid) {
  int at = find(pid);
  if (at >= 0) return at;
  if (process_count == MAX_PROCESSES) {
    errno = E2BIG;
    die("processes");
  }
  processes[process_count] = (struct process){.pid = pid};
  return process_count++;
}

/* Calls that do not return, or that are the end of a signal handler. */
static int is_counted(long number) {
  return number != SYS_exit && number != SYS_exit_group && number != SYS_rt_sigreturn &&
         number != SYS_restart_syscall;
}

static void on_entry(int at, struct user_regs_struct *regs) {
  struct process *process = &processes[at];
  long number = (long)regs->orig_rax;
  if (!is_counted(number)) return;
  ++process->calls;
  if (want_call == 0) {
    fprintf(report, "call %d %d %ld\n", at, process->calls, number);
    return;
  }
  if (at != want_process || process->calls != want_call) return;
  fprintf(report, "injected %d %d %ld\n", at, process->calls, number);
  if (want_kill) {
    kill(process->pid, SIGKILL);
    return;
  }
  process->is_failing = 1;
  if (number == SYS_close) return;
  regs->orig_rax = (unsigned long long)-1;
  ptrace(PTRACE_SETREGS, process->pid, NULL, regs);
}

static void on_call(int at) {
  struct process *process = &processes[at];
  struct __ptrace_syscall_info info;
  struct user_regs_struct regs;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) < 0 ||
      ptrace(PTRACE_GETREGS, process->pid, NULL, &regs) < 0)
    return; /* killed meanwhile */
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    on_entry(at, &regs);
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->is_failing) {
    process->is_failing = 0;
    regs.rax = (unsigned long long)-want_error;
    ptrace(PTRACE_SETREGS, process->pid, NULL, &regs);
  }
}

/* Returns the signal to deliver. */
static int on_stop(int at, int status, int *is_main_running) {
  int signal = WSTOPSIG(status), event = status >> 16;
  unsigned long message = 0;
  if (signal == (SIGTRAP | 0x80)) {
    if (*is_main_running) on_call(at);
    return 0;
  }
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    if (ptrace(PTRACE_GETEVENTMSG, processes[at].pid, NULL, &message) == 0) add((pid_t)message);
    return 0;
  }
  if (event == PTRACE_EVENT_EXEC) {
    if (at == 0 && !*is_main_running) {
      *is_main_running = 1;
    } else {
      ptrace(PTRACE_DETACH, processes[at].pid, NULL, NULL);
      return -1;
    }
    return 0;
  }
  return event ? 0 : signal;
}

static void trace(pid_t program) {
  int is_running = 0, status = 0;
  while (1) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) die("wait");
    if (pid == program && WIFEXITED(status)) {
      fprintf(report, "exit %d\n", WEXITSTATUS(status));
      return;
    }
    if (pid == program && WIFSIGNALED(status)) {
      fprintf(report, "signal %d\n", WTERMSIG(status));
      return;
    }
    if (!WIFSTOPPED(status)) continue;
    int signal = on_stop(add(pid), status, &is_running);
    if (signal >= 0) ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal);
  }
}

static pid_t launch(char **program) {
  int gate[2];
  if (pipe(gate) < 0) die("pipe");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    char byte;
    close(gate[1]);
    if (read(gate[0], &byte, 1) < 0) _exit(126);
    close(gate[0]);
    execvp(program[0], program);
    perror(program[0]);
    _exit(127);
  }
  close(gate[0]);
  add(pid);
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0) die("PTRACE_SEIZE");
  close(gate[1]);
  return pid;
}

int main(int argc, char **argv) {
  int at = 2;
  if (argc < 4) return 125;
  report = fopen(argv[1], "we");
  if (!report) die(argv[1]);
  for (; at < argc && strcmp(argv[at], "--") != 0; ++at) {
    if (strcmp(argv[at], "--kill") == 0) {
      want_kill = 1;
    } else if (at + 1 < argc && strcmp(argv[at], "--process") == 0) {
      want_process = atoi(argv[++at]);
    } else if (at + 1 < argc && strcmp(argv[at], "--call") == 0) {
      want_call = atoi(argv[++at]);
    } else if (at + 1 < argc && strcmp(argv[at], "--error") == 0) {
      want_error = atoi(argv[++at]);
    } else {
      errno = EINVAL;
      die(argv[at]);
    }
  }
  trace(launch(argv + at + 1));
  fclose(report);
  return 0;
}
