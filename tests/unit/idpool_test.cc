// R1: exclusive ranges, whatever happens to the processes that take and give them back.
#include "idpool/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "base/limits.h"
#include "base/strings.h"
#include "scratch_dir.h"
#include "syscall_fault.h"

namespace bulkhead::idpool {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ScratchDir;

const IsAlive kAllAlive = [](std::string_view) { return true; };
const IsAlive kAllGone = [](std::string_view) { return false; };

Config pool_of(std::uint32_t ranges, std::uint32_t first = 100000) {
  return {.blocks = {{first, ranges}}};
}

std::uint32_t first_of(const ScratchDir& dir, std::string_view id,
                       const Config& config = pool_of(4096)) {
  const auto range = allocate(dir.fd(), config, id, kAllAlive);
  EXPECT_TRUE(range.has_value()) << range.error().message;
  return range ? range->first : 0;
}

void give_back(const ScratchDir& dir, std::string_view id, std::string_view marker = "") {
  const auto released = release(dir.fd(), id, marker);
  ASSERT_TRUE(released.has_value()) << released.error().message;
}

// No two pool ranges meet, and no pool range meets a foreign one.
void expect_exclusive(const ScratchDir& dir) {
  const auto held = list(dir.fd());
  ASSERT_TRUE(held.has_value()) << held.error().message;
  for (std::size_t i = 0; i < held->size(); ++i)
    for (std::size_t j = i + 1; j < held->size(); ++j) {
      const auto &a = (*held)[i], &b = (*held)[j];
      if (a.is_foreign && b.is_foreign) continue;
      EXPECT_FALSE(a.range.overlaps(b.range)) << a.container_id << " and " << b.container_id;
    }
}

// --- which range ---------------------------------------------------------------------------------

TEST(IdPool, LowestFirstAndBackOnRelease) {
  ScratchDir dir;
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  EXPECT_EQ(first_of(dir, "b"), 165536u);
  EXPECT_EQ(first_of(dir, "c"), 231072u);
  give_back(dir, "b");
  EXPECT_EQ(first_of(dir, "d"), 165536u);
  give_back(dir, "a");
  EXPECT_EQ(first_of(dir, "e"), 100000u);
  expect_exclusive(dir);
}

TEST(IdPool, OneAfterTheOtherAllGetTheFirst) {
  ScratchDir dir;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(first_of(dir, cat("run-", i)), 100000u);
    give_back(dir, cat("run-", i));
  }
  EXPECT_EQ(fs::file_size(dir.path() / "ids/index"), 32u);  // nothing piles up
}

TEST(IdPool, CreateTwiceIsTheSameRange) {
  ScratchDir dir;
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  EXPECT_EQ(list(dir.fd()).value().size(), 1u);
}

TEST(IdPool, RestartKeepsTheRange) {
  ScratchDir dir;
  for (const char* id : {"a", "b", "c"}) first_of(dir, id);
  for (const char* id : {"a", "b", "c"}) give_back(dir, id);  // docker restart a b c, all at once
  EXPECT_EQ(first_of(dir, "c"), 231072u);
  EXPECT_EQ(first_of(dir, "b"), 165536u);
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  give_back(dir, "b");
  EXPECT_EQ(first_of(dir, "b"), 165536u);
}

TEST(IdPool, ANewContainerDoesNotTakeTheRangeOfOneThatRestarts) {
  ScratchDir dir;
  const auto layer = dir.path() / "layer";
  fs::create_directory(layer);
  first_of(dir, "a");
  give_back(dir, "a", layer.string());
  EXPECT_EQ(first_of(dir, "new"), 165536u);  // created in the moment between delete and create
  EXPECT_EQ(first_of(dir, "a"), 100000u);
}

TEST(IdPool, ButOfOneThatWasRemoved) {
  ScratchDir dir;
  const auto layer = dir.path() / "layer";
  fs::create_directory(layer);
  first_of(dir, "a");
  give_back(dir, "a", layer.string());
  fs::remove(layer);  // docker rm
  EXPECT_EQ(first_of(dir, "new"), 100000u);
  EXPECT_EQ(first_of(dir, "a"), 165536u);
  give_back(dir, "a");
  give_back(dir, "new");
  EXPECT_EQ(first_of(dir, "a"), 165536u);  // its last one
}

TEST(IdPool, ReservedOnesAreUsedBeforeGivingUp) {
  ScratchDir dir;
  const auto config = pool_of(2);
  for (const char* id : {"a", "b"}) first_of(dir, id, config);
  for (const char* id : {"b", "a"}) give_back(dir, id, dir.path().string());
  std::set<std::uint32_t> got{first_of(dir, "c", config), first_of(dir, "d", config)};
  EXPECT_EQ(got, (std::set<std::uint32_t>{100000, 165536}));
}

TEST(IdPool, ReservationEnds) {
  ScratchDir dir;
  first_of(dir, "a");
  give_back(dir, "a", dir.path().string());
  // The entry's time, 10 s back: the low 30 bits of its last word.
  std::fstream index(dir.path() / "ids/index", std::ios::in | std::ios::out | std::ios::binary);
  std::uint32_t word = 0;
  index.seekg(28).read(reinterpret_cast<char*>(&word), sizeof word);
  ASSERT_EQ(word >> 30, 3u);
  word -= kReserved_s;
  index.seekp(28).write(reinterpret_cast<const char*>(&word), sizeof word).flush();
  EXPECT_EQ(first_of(dir, "new"), 100000u);
}

TEST(IdPool, SeveralBlocks) {
  ScratchDir dir;
  const Config config{.blocks = {{100000, 1}, {900000, 2}}};
  EXPECT_EQ(first_of(dir, "a", config), 100000u);
  EXPECT_EQ(first_of(dir, "b", config), 900000u);
  EXPECT_EQ(first_of(dir, "c", config), 965536u);
  give_back(dir, "c");
  give_back(dir, "b");
  EXPECT_EQ(first_of(dir, "c", config), 965536u);
}

// The administrator edits /etc/subuid while containers live.
TEST(IdPool, AChangedConfigurationNeverOverlapsWhatLives) {
  ScratchDir dir;
  EXPECT_EQ(first_of(dir, "a", pool_of(10, 100000)), 100000u);
  EXPECT_EQ(first_of(dir, "b", pool_of(10, 100001)), 165537u);  // 100001 meets a's
  EXPECT_EQ(first_of(dir, "c", pool_of(10, 200000)), 265536u);  // 200000 meets b's
  give_back(dir, "a");
  EXPECT_EQ(first_of(dir, "a", pool_of(10, 100001)), 100001u);  // its old one is not in the pool
  expect_exclusive(dir);
}

// --- exhaustion and owners that are gone ---------------------------------------------------------

TEST(IdPool, Exhausted) {
  ScratchDir dir;
  const auto config = pool_of(2);
  first_of(dir, "a", config);
  first_of(dir, "b", config);
  const auto third = allocate(dir.fd(), config, "c", kAllAlive);
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().message,
            "id pool exhausted: all 2 ranges of 65536 ids, from 100000, are in use by containers; "
            "remove containers, or give user bulkhead more ids in /etc/subuid and /etc/subgid");
  EXPECT_EQ(list(dir.fd()).value().size(), 2u);
}

TEST(IdPool, OwnersThatAreGoneAreReclaimedWhenThePoolRunsOut) {
  ScratchDir dir;
  const auto config = pool_of(3);
  for (const char* id : {"a", "b", "c"}) first_of(dir, id, config);
  std::vector<std::string> asked;
  const IsAlive all_but_b = [&](std::string_view id) {
    asked.emplace_back(id);
    return id != "b";
  };
  EXPECT_EQ(allocate(dir.fd(), config, "d", all_but_b).value().first, 165536u);
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(lookup(dir.fd(), "b").value().has_value());
  expect_exclusive(dir);
}

TEST(IdPool, NobodyIsAskedWhileRangesAreFree) {
  ScratchDir dir;
  first_of(dir, "a");
  EXPECT_EQ(allocate(dir.fd(), pool_of(4096), "b", kAllGone).value().first, 165536u);
}

// --- foreign ranges ------------------------------------------------------------------------------

TEST(IdPoolForeign, ThePoolGoesAroundThem) {
  ScratchDir dir;
  ASSERT_TRUE(register_foreign(dir.fd(), {165535, 65538}, "k8s", kAllAlive));  // 3 pool ranges
  EXPECT_EQ(first_of(dir, "a"), 296608u);
  EXPECT_TRUE(lookup(dir.fd(), "k8s").value()->is_foreign);
  give_back(dir, "k8s");
  EXPECT_EQ(first_of(dir, "b"), 100000u);
  expect_exclusive(dir);
}

TEST(IdPoolForeign, MayMeetEachOtherButNotThePools) {
  ScratchDir dir;
  const Range remap{500000, 65536};
  ASSERT_TRUE(register_foreign(dir.fd(), remap, "x", kAllAlive));
  ASSERT_TRUE(register_foreign(dir.fd(), remap, "y", kAllAlive));
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  const auto meets = register_foreign(dir.fd(), {100001, 65536}, "z", kAllAlive);
  ASSERT_FALSE(meets.has_value());
  EXPECT_EQ(meets.error().message,
            "host ids 100001 to 165536 of the container's mappings are in use: container a has "
            "100000 to 165535; use mappings outside of user bulkhead's ids");
  EXPECT_EQ(list(dir.fd()).value().size(), 3u);
  ASSERT_TRUE(register_foreign(dir.fd(), {100001, 65536}, "z", kAllGone));
  EXPECT_FALSE(lookup(dir.fd(), "a").value().has_value());
  expect_exclusive(dir);
}

TEST(IdPoolForeign, AContainerHoldsOneThingAtATime) {
  ScratchDir dir;
  first_of(dir, "a");
  ASSERT_TRUE(register_foreign(dir.fd(), {100000, 65536}, "a", kAllAlive));
  EXPECT_EQ(list(dir.fd()).value().size(), 1u);
  EXPECT_EQ(first_of(dir, "a"), 100000u);
  EXPECT_EQ(list(dir.fd()).value().size(), 1u);
  EXPECT_FALSE(lookup(dir.fd(), "a").value()->is_foreign);
}

// --- names, bad state ----------------------------------------------------------------------------

TEST(IdPool, LongNamesAndMarkers) {
  ScratchDir dir;
  const std::string longest(limits::kContainerIdBytes, 'x');
  EXPECT_EQ(first_of(dir, longest), 100000u);
  EXPECT_EQ(list(dir.fd()).value()[0].container_id, longest);
  give_back(dir, longest, std::string(5000, '/'));  // too long to keep: left out
  EXPECT_EQ(first_of(dir, "new"), 100000u);
  EXPECT_FALSE(allocate(dir.fd(), pool_of(9), longest + "x", kAllAlive).has_value());
  EXPECT_FALSE(allocate(dir.fd(), pool_of(9), "", kAllAlive).has_value());
}

TEST(IdPool, EqualHashesAreToldApart) {
  // Two names with one FNV-1a hash, found by search.
  std::unordered_map<std::uint32_t, std::string> seen;
  std::string one, two;
  for (std::uint32_t i = 0; two.empty(); ++i) {
    std::string name = cat("c", i);
    std::uint32_t hash = 0x811c9dc5;
    for (unsigned char byte : name) hash = (hash ^ byte) * 0x01000193;
    auto [at, is_new] = seen.emplace(hash, name);
    if (!is_new) one = at->second, two = name;
  }
  ScratchDir dir;
  EXPECT_EQ(first_of(dir, one), 100000u);
  EXPECT_EQ(first_of(dir, two), 165536u);
  give_back(dir, two);
  EXPECT_EQ(lookup(dir.fd(), one).value()->range.first, 100000u);
  EXPECT_FALSE(lookup(dir.fd(), two).value().has_value());
}

TEST(IdPool, NothingHeldIsNoError) {
  ScratchDir dir;
  give_back(dir, "never");
  EXPECT_FALSE(lookup(dir.fd(), "never").value().has_value());
  EXPECT_TRUE(list(dir.fd()).value().empty());
}

TEST(IdPool, DamageIsRefused) {
  const struct {
    const char* name;
    void (*damage)(const fs::path& ids);
    const char* message;
  } cases[] = {
      {"magic", [](const fs::path& ids) {
         std::fstream(ids / "index", std::ios::in | std::ios::out) << "x";
       }, "not ours, or of another version"},
      {"size", [](const fs::path& ids) { fs::resize_file(ids / "index", 33); }, "impossible size 33"},
      {"entry", [](const fs::path& ids) {
         std::fstream file(ids / "index", std::ios::in | std::ios::out);
         file.seekp(16).write("\0\0\0\0", 4);
       }, "entry 0 is damaged"},
      {"name", [](const fs::path& ids) { fs::resize_file(ids / "names", 0); },
       "ids/names: record 0 is damaged"},
      {"mode", [](const fs::path& ids) { chmod((ids / "index").c_str(), 0662); },
       "ids/index: wrong type, owner or mode"},
      {"directory mode", [](const fs::path& ids) { chmod(ids.c_str(), 0777); },
       "ids: wrong type, owner or mode"},
      {"symlink", [](const fs::path& ids) {
         fs::rename(ids / "names", ids / "other");
         fs::create_symlink("other", ids / "names");
       }, "open ids/names"},
  };
  for (const auto& row : cases) {
    ScratchDir dir;
    first_of(dir, "a");
    row.damage(dir.path() / "ids");
    const auto range = allocate(dir.fd(), pool_of(9), "a", kAllAlive);
    ASSERT_FALSE(range.has_value()) << row.name;
    EXPECT_THAT(range.error().message, HasSubstr(row.message)) << row.name;
  }
}

TEST(IdPool, FullDisk) {
  ScratchDir dir;
  first_of(dir, "a");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto range = allocate(dir.fd(), pool_of(9), "b", kAllAlive);
    _exit(!range && range.error().message.starts_with("id pool: write") ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(list(dir.fd()).value().size(), 1u);
}

TEST(IdPool, FilesArePrivateAndNoFdLeaks) {
  ScratchDir dir;
  const auto count_fds = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = count_fds();
  first_of(dir, "a");
  EXPECT_EQ(count_fds(), before);
  for (const auto& [name, mode] : std::map<std::string, mode_t>{
           {"ids", 0700}, {"ids/index", 0600}, {"ids/names", 0600}}) {
    struct stat info {};
    ASSERT_EQ(stat((dir.path() / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, mode) << name;
  }
}

// --- many at once, killed, failing ---------------------------------------------------------------

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

// Processes that allocate and release their own containers, killed at random moments. A container's
// range is marked in memory that all share: nobody else may have it at that time.
TEST(IdPoolCrash, KilledAtRandomMoments) {
  ScratchDir dir;
  std::mt19937 random(42);
  for (int round = 0; round < 60; ++round) {
    std::vector<pid_t> children;
    for (int worker = 0; worker < 5; ++worker) {
      const pid_t child = fork();
      if (child == 0) {
        for (int i = 0;; i = (i + 1) % 7) {
          const std::string id = cat("w", worker, "-", i);
          const auto range = allocate(dir.fd(), pool_of(64), id, kAllAlive);
          if (!range) _exit(1);
          const auto again = lookup(dir.fd(), id);
          if (!again || !*again || (*again)->range != *range) _exit(2);
          if (i % 2 == 0 && !release(dir.fd(), id, "")) _exit(3);
        }
      }
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
  if (step == Step::kForeign) return register_foreign(dir.fd(), {7000000, 65536}, "me", kAllAlive) ? 0 : 1;
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

// A child that was forked while the lock was held does not keep it.
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
