// Hooks as processes: what they get, and how they may misbehave.
#include "sandbox/hooks.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "scratch_dir.h"

namespace bulkhead::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Hooks : public ::testing::Test {
 protected:
  static spec::Hook shell(const std::string& script, std::optional<std::uint32_t> timeout_s = 20) {
    return {.path = "/bin/sh", .args = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}, .timeout_s = timeout_s};
  }
  static std::string outcome(const spec::Hook& hook, std::string_view state = "{}") {
    auto done = run_hook(hook, state);
    return done ? "done" : done.error().message;
  }
  std::string path(const char* name) const { return scratch.path() / name; }
  std::string content(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  static double seconds_of(auto work) {
    timespec a{}, b{};
    clock_gettime(CLOCK_MONOTONIC, &a);
    work();
    clock_gettime(CLOCK_MONOTONIC, &b);
    return static_cast<double>(b.tv_sec - a.tv_sec) + static_cast<double>(b.tv_nsec - a.tv_nsec) / 1e9;
  }

  testing::ScratchDir scratch;
};

TEST_F(Hooks, GetsTheStateAndItsOwnEnvironmentOnly) {
  setenv("OF_THE_RUNTIME", "1", 1);
  EXPECT_EQ(outcome(shell("cat > " + path("state") + "; env > " + path("env")), "{\"id\":\"x\"}"), "done");
  EXPECT_EQ(content("state"), "{\"id\":\"x\"}");
  EXPECT_THAT(content("env"), AllOf(HasSubstr("PATH="), ::testing::Not(HasSubstr("OF_THE_RUNTIME"))));
}

TEST_F(Hooks, ArgumentsAreTheirsWhole) {
  spec::Hook hook = shell("echo \"$0 $*\" > " + path("args"));
  hook.args.insert(hook.args.end(), {"zero", "one", "two"});
  EXPECT_EQ(outcome(hook), "done");
  EXPECT_EQ(content("args"), "zero one two\n");
}

TEST_F(Hooks, Failing) {
  EXPECT_EQ(outcome(shell("echo reason >&2; exit 3")), "hook /bin/sh: exit status 3: reason");
  EXPECT_EQ(outcome(shell("exit 1")), "hook /bin/sh: exit status 1");
  EXPECT_EQ(outcome(shell("kill -9 $$")), "hook /bin/sh: killed by signal 9");
  EXPECT_THAT(outcome({.path = "/no/such/hook"}), HasSubstr("exec /no/such/hook: No such file or directory"));
  EXPECT_THAT(outcome({.path = scratch.path()}), HasSubstr("Permission denied"));
}

TEST_F(Hooks, Timeout) {
  double took = seconds_of([] {
    EXPECT_EQ(outcome(shell("sleep 60", 1)), "hook /bin/sh: no end within its timeout of 1 s");
  });
  EXPECT_GT(took, 0.9);
  EXPECT_LT(took, 5);
}

TEST_F(Hooks, TimeoutOfOneThatClosedItsStderr) {
  EXPECT_THAT(outcome(shell("exec 2>&-; sleep 60", 1)), HasSubstr("no end within its timeout"));
}

TEST_F(Hooks, ClosesStdin) {
  std::string state(1 << 20, 'x');
  EXPECT_EQ(outcome(shell("exec 0<&-; sleep 0.1"), state), "done");
  EXPECT_EQ(outcome(shell("true"), state), "done");
}

// More than a pipe holds, to a hook that reads nothing: the timeout still counts.
TEST_F(Hooks, LeavesALargeStateUnread) {
  std::string state(1 << 20, 'x');
  double took = seconds_of([&] { EXPECT_THAT(outcome(shell("sleep 60", 1), state), HasSubstr("timeout of 1 s")); });
  EXPECT_LT(took, 5);
}

TEST_F(Hooks, ReadsALargeState) {
  EXPECT_EQ(outcome(shell("wc -c > " + path("size")), std::string(3 << 20, 'x')), "done");
  EXPECT_THAT(content("size"), HasSubstr("3145728"));
}

TEST_F(Hooks, HugeStderr) {
  std::string message = outcome(shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; exit 7"));
  EXPECT_THAT(message, HasSubstr("exit status 7: eeee"));
  EXPECT_LT(message.size(), 6000u);
}

// A daemon that keeps stderr: the hook's own end is what counts.
TEST_F(Hooks, LeavesADaemonBehind) {
  double took = seconds_of([this] {
    EXPECT_EQ(outcome(shell("sleep 30 & echo $! > " + path("pid"), {})), "done");
  });
  EXPECT_LT(took, 5);
  pid_t daemon = std::atoi(content("pid").c_str());
  ASSERT_GT(daemon, 1);
  kill(daemon, SIGKILL);
}

TEST_F(Hooks, DaemonThatFloodsStderr) {
  EXPECT_EQ(outcome(shell("(while :; do echo flood >&2 || exit; done) & echo $! > " + path("pid") + "; exit 0", {})),
            "done");
}

TEST_F(Hooks, SignalsAreAtTheirDefaults) {
  sigset_t block, before;
  sigfillset(&block);
  sigprocmask(SIG_BLOCK, &block, &before);
  // Raw calls: glibc keeps 32 and 33 for itself.
  std::uint64_t ignored[4] = {1, 0, 0, 0}, was[65][4] = {};
  for (int number = 1; number <= 64; ++number)
    if (number != SIGCHLD) syscall(SYS_rt_sigaction, number, ignored, was[number], 8);
  EXPECT_EQ(outcome(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status > " + path("signals"))), "done");
  for (int number = 1; number <= 64; ++number)
    if (number != SIGCHLD) syscall(SYS_rt_sigaction, number, was[number], nullptr, 8);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(content("signals"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(Hooks, NothingIsInheritedButStdio) {
  UniqueFd secret(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(outcome(shell("ls /proc/self/fd | wc -l > " + path("fds"))), "done");
  EXPECT_EQ(std::atoi(content("fds").c_str()), 4) << "0, 1, 2 and the one that lists";
}

}  // namespace
}  // namespace bulkhead::sandbox
