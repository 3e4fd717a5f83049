#include "cgroup/freezer.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

constexpr int kFreezeTimeoutMs = 5000;
constexpr int kKillFreezeTimeoutMs = 500;  // killing goes on without the freezer's help after that
constexpr int kKillRounds = 64;

void sleep_ms(int ms) {
  timespec time{.tv_sec = 0, .tv_nsec = ms * 1000000L};
  nanosleep(&time, nullptr);
}

// Waits for freezer.state FROZEN. Writing again helps: a task that forked while the kernel walked
// the cgroup is only caught by another walk.
Result<bool> wait_frozen_v1(BorrowedFd dir, int timeout_ms) {
  for (int waited = 0;; ++waited) {
    std::string state = TRY(read_file(dir, "freezer.state"));
    if (trim(state) == "FROZEN") return true;
    if (waited >= timeout_ms) return false;
    sleep_ms(1);
    if (waited % 20 == 19 && write_file(dir, "freezer.state", "FROZEN") != 0)
      return fail_errno("write FROZEN to freezer.state");
  }
}

// Sends SIGKILL to all that are listed now. Returns how many there were.
Result<std::size_t> kill_listed(BorrowedFd dir) {
  auto pids = TRY(processes_below(dir));
  for (pid_t pid : pids) (void)kill(pid, SIGKILL);  // ESRCH: it has just died
  return pids.size();
}

}  // namespace

Result<> thaw_all_v1(BorrowedFd top) {
  return walk(top, [](BorrowedFd dir) -> Result<> {
    int code = write_file(dir, "freezer.state", "THAWED");
    if (code != 0 && code != ENOENT && code != ENODEV)
      return fail_errno("write THAWED to freezer.state", code);
    return {};
  });
}

Result<> freeze_v1(BorrowedFd dir, bool frozen) {
  int code = write_file(dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
  if (code != 0) return fail_errno("write to freezer.state", code);
  if (!frozen) return {};
  auto done = wait_frozen_v1(dir, kFreezeTimeoutMs);
  if (done && *done) return {};
  (void)write_file(dir, "freezer.state", "THAWED");
  TRY(std::move(done));
  return fail(cat("the container could not be frozen within ", kFreezeTimeoutMs,
                  " ms (a process in an uninterruptible call); it runs again"));
}

Result<bool> is_frozen_v1(BorrowedFd dir) {
  return trim(TRY(read_file(dir, "freezer.state"))) != "THAWED";
}

Result<bool> is_frozen_v2(BorrowedFd dir) {
  return flat_value(TRY(read_file(dir, "cgroup.events")), "frozen") == "1";
}

Result<> freeze_v2(BorrowedFd dir, bool frozen) {
  int code = write_file(dir, "cgroup.freeze", frozen ? "1" : "0");
  if (code != 0) return fail_errno("write to cgroup.freeze", code);
  if (!frozen) return {};
  for (int waited = 0; waited < kFreezeTimeoutMs; ++waited) {
    if (TRY(is_frozen_v2(dir))) return {};
    sleep_ms(1);
  }
  (void)write_file(dir, "cgroup.freeze", "0");
  return fail(cat("the container could not be frozen within ", kFreezeTimeoutMs,
                  " ms (a process in an uninterruptible call); it runs again"));
}

Result<> kill_all_v1(BorrowedFd dir, bool is_freezer) {
  if (is_freezer) {
    int code = write_file(dir, "freezer.state", "FROZEN");
    bool still = code == 0 && wait_frozen_v1(dir, kKillFreezeTimeoutMs).value_or(false);
    auto killed = kill_listed(dir);
    TRY(thaw_all_v1(dir));
    if (killed && still) return {};
  }
  // A process of the container may thaw nothing above itself, but one that would not freeze may
  // have forked meanwhile. Each round kills faster than one process forks; SIGKILL sticks.
  for (int round = 0; round < kKillRounds; ++round) {
    if (TRY(kill_listed(dir)) == 0) return {};
    if (is_freezer) TRY(thaw_all_v1(dir));
    sleep_ms(1);
  }
  return {};  // what is left is dying or cannot be woken: destroy() waits for it and says so
}

Result<> kill_all_v2(BorrowedFd dir) {
  int code = write_file(dir, "cgroup.kill", "1");
  if (code != 0) return fail_errno("write to cgroup.kill", code);
  return {};
}

}  // namespace bulkhead::cgroup
