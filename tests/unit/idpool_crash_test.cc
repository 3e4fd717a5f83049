// R1, R12: ranges stay exclusive and usable when many processes work on the pool at once, when they
// are killed at any moment and when any system call fails.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <vector>

#include "base/strings.h"
#include "idpool_helpers.h"
#include "syscall_fault.h"

namespace bulkhead::idpool {
namespace {

using testing::ScratchDir;

int wait_for(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST(IdPoolCrash, AHundredProcessesAtOnce) {
  ScratchDir dir;
  std::vector<pid_t> children;
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      close(gate[1]);
      char byte;
      if (read(gate[0], &byte, 1) < 0) _exit(2);  // until all are there
      _exit(allocate(dir.fd(), pool_of(4096), cat("c", i), kAllAlive) ? 0 : 1);
    }
    children.push_back(child);
  }
  close(gate[0]);
  close(gate[1]);
  for (pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  const auto held = list(dir.fd()).value();
  ASSERT_EQ(held.size(), 100u);
  for (std::size_t i = 0; i < held.size(); ++i)
    EXPECT_EQ(held[i].range, (Range{100000 + static_cast<std::uint32_t>(i) * 65536, 65536}));
}

// Which container believes that it has range i, in memory that all processes share.
class Claims {
 public:
  Claims() : at_(static_cast<std::atomic<int>*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Claims() { munmap(at_, 4096); }
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;
  // False when another container has it.
  bool take(const Range& range, int container) {
    int expected = 0;
    return at(range).compare_exchange_strong(expected, container) || expected == container;
  }
  void drop(const Range& range) { at(range) = 0; }

 private:
  std::atomic<int>& at(const Range& range) { return at_[(range.first - 100000) / 65536]; }
  std::atomic<int>* at_;
};

// Allocates and releases its own seven containers until it is killed; every other one is kept.
int churn(const ScratchDir& dir, Claims& claims, int worker) {
  for (int i = 0;; i = (i + 1) % 7) {
    const std::string id = cat("w", worker, "-", i);
    const auto range = allocate(dir.fd(), pool_of(64), id, kAllAlive);
    if (!range) return 1;
    if (!claims.take(*range, worker * 10 + i)) return 2;
    const auto held = lookup(dir.fd(), id);
    if (!held || !*held || (*held)->range != *range) return 3;
    if (i % 2 != 0) continue;
    claims.drop(*range);
    if (!release(dir.fd(), id, "")) return 4;
  }
}

TEST(IdPoolCrash, KilledAtRandomMoments) {
  ScratchDir dir;
  Claims claims;
  std::mt19937 random(42);
  for (int round = 0; round < 60; ++round) {
    std::vector<pid_t> children;
    for (int worker = 1; worker <= 5; ++worker) {
      const pid_t child = fork();
      if (child == 0) _exit(churn(dir, claims, worker));
      children.push_back(child);
    }
    usleep(random() % 3000);
    for (pid_t child : children) kill(child, SIGKILL);
    for (pid_t child : children) {
      const int status = wait_for(child);
      EXPECT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
    }
    expect_exclusive(dir);
  }
  EXPECT_LE(list(dir.fd()).value().size(), 35u);
}

enum class Step { kFirst, kAllocate, kRestart, kRelease, kForeign };

// What is there before `step`, the step itself, and whether its result is all or nothing.
void prepare(const ScratchDir& dir, Step step) {
  if (step == Step::kFirst) return;
  first_of(dir, "other");
  if (step == Step::kRestart || step == Step::kRelease) first_of(dir, "me");
  if (step == Step::kRestart) give_back(dir, "me");
}

int perform(const ScratchDir& dir, Step step) {
  if (step == Step::kRelease) return release(dir.fd(), "me", "/marker") ? 0 : 1;
  if (step == Step::kForeign)
    return register_foreign(dir.fd(), {7000000, 65536}, "me", kAllAlive) ? 0 : 1;
  return allocate(dir.fd(), pool_of(4), "me", kAllAlive) ? 0 : 1;
}

class IdPoolFault : public ::testing::TestWithParam<Step> {};

void expect_consistent(const ScratchDir& dir, Step step, bool succeeded, int n) {
  expect_exclusive(dir);
  const auto mine = lookup(dir.fd(), "me");
  ASSERT_TRUE(mine.has_value()) << "call " << n << ": " << mine.error().message;
  if (succeeded) {
    EXPECT_EQ(mine->has_value(), step != Step::kRelease) << "call " << n;
  }
  if (step != Step::kFirst) {
    EXPECT_EQ(lookup(dir.fd(), "other").value()->range.first, 100000u);
  }
  EXPECT_EQ(perform(dir, step), 0) << "call " << n;  // doing it again puts all right
  const std::uint32_t expected = step == Step::kFirst ? 100000u
                                 : step == Step::kForeign ? 7000000u : 165536u;
  if (step == Step::kRelease) {
    EXPECT_FALSE(lookup(dir.fd(), "me").value().has_value()) << "call " << n;
    EXPECT_EQ(first_of(dir, "me", pool_of(4)), expected) << "call " << n;
  } else {
    EXPECT_EQ(lookup(dir.fd(), "me").value()->range.first, expected) << "call " << n;
  }
}

// error 0: killed before the n-th system call.
void fail_every_call(Step step, int error) {
  int n = 1;
  for (;; ++n) {
    ScratchDir dir;
    prepare(dir, step);
    const auto run = testing::run_with_fault(n, error, [&] { return perform(dir, step); });
    if (run.outcome == testing::Outcome::kNoPtrace)
      GTEST_SKIP() << "needs x86-64 and the right to ptrace a child";
    if (!run.injected) {
      EXPECT_EQ(run.exit_code, 0);
      break;
    }
    if (error == 0) {
      EXPECT_EQ(run.outcome, testing::Outcome::kKilled);
    } else {
      EXPECT_EQ(run.outcome, testing::Outcome::kExited) << "call " << n;
    }
    expect_consistent(dir, step, run.exit_code == 0, n);
  }
  EXPECT_GT(n, 8);  // the calls were seen at all
}

TEST_P(IdPoolFault, KilledBeforeEachCall) { fail_every_call(GetParam(), 0); }
TEST_P(IdPoolFault, EachCallFails) { fail_every_call(GetParam(), EIO); }

INSTANTIATE_TEST_SUITE_P(Steps, IdPoolFault,
                         ::testing::Values(Step::kFirst, Step::kAllocate, Step::kRestart,
                                           Step::kRelease, Step::kForeign));

TEST(IdPoolCrash, ALockOfSomeoneElseIsWaitedFor) {
  ScratchDir dir;
  first_of(dir, "a");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const int file = open((dir.path() / "ids/index").c_str(), O_RDWR);
    if (flock(file, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
    usleep(50000);
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(first_of(dir, "b"), 165536u);
  EXPECT_EQ(wait_for(holder), 0);
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace bulkhead::idpool
