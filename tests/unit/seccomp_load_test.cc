// Filters in the kernel: a child loads one and makes real calls.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "seccomp/filter.h"
#include "seccomp/load.h"
#include "seccomp_profile.h"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 declares these without extern "C"
}

namespace bulkhead::seccomp {
namespace {

// Runs `body` in a child under `filter`; returns the wait status. Bodies return an exit code.
template <typename Body>
int under(const Filter& filter, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (install(filter.program, filter.flags) != 0) _exit(200);
    _exit(body());
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

Filter one_rule(const char* action, std::optional<std::uint32_t> errno_ret = {}) {
  return compile({.default_action = "SCMP_ACT_ALLOW",
                  .listener_path = "/run/agent.sock",
                  .syscalls = {{.names = {"getppid"}, .action = action, .errno_ret = errno_ret}}})
      .value();
}

int errno_of(long result) { return result < 0 ? errno : 0; }

#ifdef __x86_64__
long i386_call(long nr, long first) {
  long result;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(nr), "b"(first)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST(SeccompLoad, DockerProfileInTheKernel) {
  const auto filter = compile(testing::load_profile("docker-default-seccomp.json")).value();
  const int status = under(filter, [] {
    if (getppid() <= 0) return 1;
    if (errno_of(mount("none", "/nowhere", "tmpfs", 0, nullptr)) != EPERM) return 2;
    if (errno_of(syscall(600)) != ENOSYS) return 3;
    if (errno_of(syscall(SYS_clone3, nullptr, 0)) != ENOSYS) return 4;
    if (errno_of(personality(ADDR_NO_RANDOMIZE)) != EPERM) return 5;
    if (errno_of(personality(0xffffffff)) != 0) return 6;
    if (errno_of(unshare(CLONE_NEWUSER)) != EPERM) return 7;
    if (i386_call(21 /* mount */, 0) != -EPERM) return 8;
    return 0;
  });
  EXPECT_TRUE(exited_with(status, 0)) << status;
}

TEST(SeccompLoad, OtherArchitecturesAreKilled) {
  const int status =
      under(one_rule("SCMP_ACT_LOG"), [] { return i386_call(20 /* getpid */, 0) > 0 ? 0 : 1; });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}
#endif

TEST(SeccompLoad, EveryAction) {
  for (const char* action : {"SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"}) {
    const int status = under(one_rule(action), [] { return getppid() > 0 ? 0 : 1; });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << action << " " << status;
  }
  EXPECT_TRUE(exited_with(under(one_rule("SCMP_ACT_TRAP"), [] {
    signal(SIGSYS, [](int) { _exit(42); });
    getppid();
    return 1;
  }), 42));
  EXPECT_TRUE(exited_with(under(one_rule("SCMP_ACT_ERRNO", 77), [] {
    return errno_of(syscall(SYS_getppid));
  }), 77));
  EXPECT_TRUE(exited_with(under(one_rule("SCMP_ACT_TRACE", 5), [] {
    return errno_of(syscall(SYS_getppid));  // no tracer
  }), ENOSYS));
  EXPECT_TRUE(exited_with(under(one_rule("SCMP_ACT_LOG"), [] {
    return getppid() > 0 ? 0 : 1;
  }), 0));
}

struct Listening {
  pid_t child;
  UniqueFd listener;
};

// A child whose getppid() is answered by the returned listener, and that exits with the answer.
Listening start_listening(const Filter& filter) {
  int report[2];
  EXPECT_EQ(pipe2(report, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int fd = install_with_listener(filter.program, filter.flags);
    if (write(report[1], &fd, sizeof fd) != sizeof fd || fd < 0) _exit(201);
    _exit(static_cast<int>(syscall(SYS_getppid)));
  }
  UniqueFd from(report[0]), to(report[1]);
  to.reset();
  int number = -1;
  EXPECT_EQ(read(from.get(), &number, sizeof number), static_cast<ssize_t>(sizeof number));
  UniqueFd pidfd(pidfd_open(child, 0));
  return {child, UniqueFd(number < 0 ? -1 : pidfd_getfd(pidfd.get(), number, 0))};
}

TEST(SeccompLoad, NotifyWithListener) {
  const auto filter = one_rule("SCMP_ACT_NOTIFY");
  ASSERT_TRUE(filter.has_notify);
  auto [child, listener] = start_listening(filter);
  ASSERT_TRUE(listener) << strerror(errno);
  seccomp_notif request{};
  ASSERT_EQ(ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request), 0) << strerror(errno);
  EXPECT_EQ(request.data.nr, SYS_getppid);
  EXPECT_EQ(static_cast<pid_t>(request.pid), child);
  seccomp_notif_resp answer{.id = request.id, .val = 42};
  ASSERT_EQ(ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer), 0) << strerror(errno);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(exited_with(status, 42)) << status;
}

TEST(SeccompLoad, ListenerIsCloseOnExecAndOnlyOne) {
  const auto filter = one_rule("SCMP_ACT_NOTIFY");
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int fd = install_with_listener(filter.program, filter.flags);
    if (fd < 0) _exit(1);
    if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) _exit(2);
    if (install_with_listener(filter.program, filter.flags) != -EBUSY) _exit(3);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(exited_with(status, 0)) << status;
}

TEST(SeccompLoad, Errors) {
  const auto filter = one_rule("SCMP_ACT_LOG");
  EXPECT_EQ(install({}, 0), -EINVAL);
  EXPECT_EQ(install(filter.program, SECCOMP_FILTER_FLAG_NEW_LISTENER), -EINVAL);
  EXPECT_EQ(install(filter.program, 1u << 30), -EINVAL);
  const std::vector<sock_filter> endless{BPF_STMT(BPF_JMP | BPF_JA, 7)};
  EXPECT_EQ(install(endless, 0), -EINVAL);
  const std::vector<sock_filter> too_long(BPF_MAXINSNS + 1, BPF_STMT(BPF_RET | BPF_K, 0));
  EXPECT_EQ(install(too_long, 0), -EINVAL);
  EXPECT_GT(getppid(), 0);  // nothing was installed
}

}  // namespace
}  // namespace bulkhead::seccomp
