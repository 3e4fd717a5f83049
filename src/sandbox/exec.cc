// A process in a running container.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strings.h"
#include "sandbox/launch.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace bulkhead::sandbox {
namespace {

constexpr int kAll = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                     CLONE_NEWNS | CLONE_NEWCGROUP;

// The parent of the new process: joins by the init's pidfd (5.8), so that a reused pid cannot
// lead elsewhere, then clones into the pid namespace as a child of the runtime.
[[noreturn]] void join_and_clone(const ExecInputs& in, const ExecArguments& arguments, int answer_fd) {
  struct { std::int32_t pid, code; } answer{-1, 0};
  auto give_up = [&] {
    answer.code = errno;
    [[maybe_unused]] auto n = ::write(answer_fd, &answer, sizeof answer);
    ::_exit(1);
  };
  prctl(PR_SET_DUMPABLE, 0);
  // Into the cgroups with the host's rights; the process is born there.
  if (int error = cgroup::enter_self(in.entrance.tasks); error != 0) {
    errno = error;
    give_up();
  }
  // In one call: the kernel asks for the right to look into the init each time, and from inside the user
  // namespace there is none until the init has executed its program (its memory is the runtime's).
  if (::setns(in.pidfd, kAll | CLONE_NEWTIME) < 0) {
    if (errno != EINVAL) give_up();  // EINVAL: a kernel without time namespaces
    if (::setns(in.pidfd, kAll) < 0) give_up();
  }
  if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0) give_up();
  prctl(PR_SET_DUMPABLE, 0);
  auto pid = sys::clone_process(CLONE_PARENT);
  if (pid && *pid == 0) run_exec(arguments);
  if (!pid) give_up();
  answer.pid = *pid;
  [[maybe_unused]] auto n = ::write(answer_fd, &answer, sizeof answer);
  ::_exit(0);
}

}  // namespace

Result<Init> start_exec(const ExecInputs& in) {
  int pair[2], ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return fail_errno("socketpair");
  UniqueFd parent(pair[0]), child(pair[1]);
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  UniqueFd proc = TRY(sys::open_path("/proc", O_PATH | O_DIRECTORY));
  ExecArguments arguments{.process = in.process,
                          .fds = {.sync = child.get(), .proc = proc.get(), .preserved = in.preserved_fds},
                          .keyring = in.keyring};
  pid_t helper = TRY(sys::clone_process(0, in.entrance.clone_into.get()));
  if (helper == 0) join_and_clone(in, arguments, write_end.get());
  write_end.reset();
  child.reset();
  struct { std::int32_t pid, code; } answer{-1, EIO};
  [[maybe_unused]] auto n = ::read(read_end.get(), &answer, sizeof answer);
  TRY(sys::wait_for(helper));
  if (answer.pid < 0) return fail_errno("join the container's namespaces", answer.code);
  return Init(answer.pid, std::move(parent), false);
}

}  // namespace bulkhead::sandbox
