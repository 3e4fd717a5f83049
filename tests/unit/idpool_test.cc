// R1: exclusive ranges, whatever happens to the processes that take and give them back.
#include "idpool/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>

#include "base/limits.h"
#include "base/strings.h"
#include "idpool/table.h"
#include "idpool_helpers.h"

namespace bulkhead::idpool {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ScratchDir;

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
            "remove containers, or ask");
  EXPECT_EQ(list(dir.fd()).value().size(), 2u);
}

TEST(IdPool, AllFourThousand) {
  ScratchDir dir;
  for (std::uint32_t i = 0; i < 4096; ++i)
    ASSERT_EQ(first_of(dir, cat("c", i)), 100000 + i * 65536);
  EXPECT_FALSE(allocate(dir.fd(), pool_of(4096), "more", kAllAlive).has_value());
  give_back(dir, "c4095");
  give_back(dir, "c1000");
  EXPECT_EQ(first_of(dir, "more"), 100000u + 1000 * 65536);
  EXPECT_EQ(first_of(dir, "c4095"), 100000u + 4095u * 65536);
  const auto held = list(dir.fd()).value();
  ASSERT_EQ(held.size(), 4096u);
  for (std::uint32_t i = 0; i < 4096; ++i)
    EXPECT_EQ(held[i].range, (Range{100000 + i * 65536, 65536}));
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
  EXPECT_FALSE(lookup(dir.fd(), "k8s").value()->from_pool);
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
            "100000 to 165535; use mappings outside of the id pool");
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
  EXPECT_TRUE(lookup(dir.fd(), "a").value()->from_pool);
}

TEST(IdPoolJoined, TheRangeIsFreeWhenBothAreGone) {
  ScratchDir dir;
  first_of(dir, "x");
  EXPECT_EQ(register_joined(dir.fd(), "x", "y").value(), (Range{100000, 65536}));
  EXPECT_EQ(register_joined(dir.fd(), "y", "z").value(), (Range{100000, 65536}));
  give_back(dir, "x");
  EXPECT_EQ(first_of(dir, "new"), 165536u);
  EXPECT_EQ(first_of(dir, "x"), 231072u);  // y still runs with the ids that x had
  expect_exclusive(dir);
  give_back(dir, "y");
  give_back(dir, "z");
  EXPECT_EQ(first_of(dir, "next"), 100000u);
  EXPECT_THAT(register_joined(dir.fd(), "y", "w").error().message,
              HasSubstr("container y holds no ids: it is gone"));
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
  const std::string one = "c693596", two = "c1170850";
  ASSERT_EQ(make_entry(State::kPool, {}, one).owner_hash,
            make_entry(State::kPool, {}, two).owner_hash);
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
      {"magic",
       [](const fs::path& ids) {
         std::fstream(ids / "index", std::ios::in | std::ios::out) << "x";
       },
       "not ours, or of another version"},
      {"size", [](const fs::path& ids) { fs::resize_file(ids / "index", 33); },
       "impossible size 33"},
      {"entry",
       [](const fs::path& ids) {
         std::fstream file(ids / "index", std::ios::in | std::ios::out);
         file.seekp(16).write("\0\0\0\0", 4);
       },
       "entry 0 is damaged"},
      {"name", [](const fs::path& ids) { fs::resize_file(ids / "names", 0); },
       "ids/names: record 0 is damaged"},
      {"mode", [](const fs::path& ids) { chmod((ids / "index").c_str(), 0662); },
       "ids/index: wrong type, owner or mode"},
      {"directory mode", [](const fs::path& ids) { chmod(ids.c_str(), 0777); },
       "ids: wrong type, owner or mode"},
      {"symlink",
       [](const fs::path& ids) {
         fs::rename(ids / "names", ids / "other");
         fs::create_symlink("other", ids / "names");
       },
       "open ids/names"},
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

}  // namespace
}  // namespace bulkhead::idpool
