// Containers on disk: ids, half-made entries, damaged state.
#include "runtime/store.h"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "scratch_dir.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreTest : public ::testing::Test {
 protected:
  std::string create_error(const std::string& id) {
    UniqueFd fifo;
    auto entry = store.create(id, "{}", fifo);
    return entry ? "created" : entry.error().message;
  }
  Entry make(const std::string& id, const State& state = {}) {
    auto entry = store.create(id, "{}", fifo);
    EXPECT_TRUE(entry) << entry.error().message;
    EXPECT_TRUE(entry->write(state));
    return std::move(*entry);
  }
  fs::path root() const { return scratch.path() / "containers"; }

  testing::ScratchDir scratch;
  Store store = *Store::open((scratch.path() / "containers").string());
  UniqueFd fifo;
};

TEST_F(StoreTest, Ids) {
  for (const char* id : {"a", "0f", "A_b+c-d.e", "...", ".hidden"}) EXPECT_EQ(create_error(id), "created") << id;
  EXPECT_EQ(create_error(std::string(200, 'x')), "created");
  for (std::string id : {"", ".", "..", "a/b", "../x", "a b", "a\nb", "a\x01", "ä", "a*", "a:b"})
    EXPECT_THAT(create_error(id), HasSubstr("invalid container id")) << id;
  EXPECT_THAT(create_error(std::string("a\0b", 3)), HasSubstr("invalid container id"));
  EXPECT_THAT(create_error(std::string(1025, 'x')), HasSubstr("invalid container id"));
  EXPECT_THAT(store.find("../x").error().message, HasSubstr("invalid container id"));
}

// The directory's name is the id: the file system's limit comes before ours.
TEST_F(StoreTest, LongId) {
  EXPECT_THAT(create_error(std::string(300, 'x')), HasSubstr("File name too long"));
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(StoreTest, NotCommittedIsGone) {
  { Entry entry = make("a"); }
  EXPECT_TRUE(fs::is_empty(root()));
  {
    Entry entry = make("b");
    entry.commit();
  }
  EXPECT_THAT(*store.ids(), ElementsAre("b"));
}

TEST_F(StoreTest, Twice) {
  Entry entry = make("a");
  EXPECT_EQ(create_error("a"), "container with id \"a\" exists already");
  EXPECT_TRUE(store.find("a")) << "the first one is untouched";
}

TEST_F(StoreTest, Missing) { EXPECT_EQ(store.find("a").error().message, "container \"a\" does not exist"); }

TEST_F(StoreTest, LinkIsNoContainer) {
  fs::create_directories(scratch.path() / "elsewhere");
  fs::create_symlink(scratch.path() / "elsewhere", root() / "link");
  EXPECT_FALSE(store.find("link"));
}

TEST_F(StoreTest, StateSurvives) {
  State state{.id = "a", .bundle = "/b \"q\" \n", .rootfs = "/r", .created = "2024-01-01T00:00:00.5Z", .pid = 42,
              .start_ticks = 0xffffffffffffffff, .ids = {100000, 100000, 65536}, .owns_user_ns = true};
  state.cgroup.path = "/docker/a";
  Entry entry = make("a", state);
  auto read = entry.read();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->bundle, state.bundle);
  EXPECT_EQ(read->pid, 42);
  EXPECT_EQ(read->start_ticks, state.start_ticks);
  EXPECT_EQ(read->ids.uid, 100000u);
  EXPECT_TRUE(read->owns_user_ns);
  EXPECT_EQ(read->cgroup.path, "/docker/a");
  struct stat st {};
  stat((root() / "a/state.json").c_str(), &st);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  stat((root() / "a").c_str(), &st);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
}

TEST_F(StoreTest, DamagedState) {
  Entry entry = make("a");
  for (const char* text : {"", "{", "[]", "null", "{\"pid\":", "\x00"}) {
    std::ofstream(root() / "a/state.json") << text;
    EXPECT_THAT(entry.read().error().message, HasSubstr("state.json")) << text;
  }
  fs::remove(root() / "a/state.json");
  EXPECT_EQ(entry.read().error().code, ENOENT) << "half-made, not damaged";
  fs::create_symlink("/etc/passwd", root() / "a/state.json");
  EXPECT_FALSE(entry.read());
}

// A state that names pid 1 or a negative one must not make `delete` signal it.
TEST_F(StoreTest, StateOfWrongTypes) {
  Entry entry = make("a");
  for (const char* text : {R"({"pid":"x"})", R"({"pid":-1})", R"({"pid":1e99})", R"({"pid":4294967297})",
                           R"({"id":7,"pid":1,"startTicks":"0"})", R"({"pid":1,"startTicks":-5})"}) {
    std::ofstream(root() / "a/state.json") << text;
    auto state = entry.read();
    EXPECT_TRUE(!state || !is_alive(*state)) << text;
  }
}

TEST_F(StoreTest, AliveIsPidAndStartTime) {
  auto own = sys::process_stat(getpid());
  EXPECT_TRUE(is_alive({.pid = getpid(), .start_ticks = (*own)->start_ticks}));
  EXPECT_FALSE(is_alive({.pid = getpid(), .start_ticks = (*own)->start_ticks + 1})) << "a reused pid";
  EXPECT_FALSE(is_alive({.pid = 0}));
}

TEST_F(StoreTest, StartOnce) {
  Entry entry = make("a");
  EXPECT_TRUE(entry.is_waiting_to_start());
  ASSERT_TRUE(entry.start());
  char byte = 0;
  ASSERT_EQ(read(fifo.get(), &byte, 1), 1);
  EXPECT_FALSE(entry.is_waiting_to_start());
  EXPECT_THAT(entry.start().error().message, HasSubstr("started already"));
}

TEST_F(StoreTest, StartOfADeadInit) {
  Entry entry = make("a");
  fifo.reset();
  EXPECT_THAT(entry.start().error().message, HasSubstr("its init has died"));
  EXPECT_TRUE(entry.is_waiting_to_start());
}

TEST_F(StoreTest, ListShowsWholeEntriesOnly) {
  Entry a = make("b"), b = make("a");
  fs::create_directories(root() / "half");
  std::ofstream(root() / "file");
  EXPECT_THAT(*store.ids(), ElementsAre("a", "b"));
}

TEST_F(StoreTest, LockIsExclusive) {
  Entry entry = make("a");
  ASSERT_TRUE(entry.lock());
  auto second = store.find("a");
  EXPECT_EQ(flock(second->directory(), LOCK_EX | LOCK_NB), -1);
}

TEST_F(StoreTest, RemoveTakesEverything) {
  Entry entry = make("a");
  entry.commit();
  std::ofstream(root() / "a/state.json.123.tmp") << "left by one that was killed";
  ASSERT_TRUE(entry.remove());
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(StoreTest, RootIsNotADirectory) {
  std::ofstream(scratch.path() / "file");
  EXPECT_FALSE(Store::open((scratch.path() / "file").string()));
}

}  // namespace
}  // namespace bulkhead::runtime
