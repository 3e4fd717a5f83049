// The table of held inodes with a small limit, over a real directory; and what names may mean.
#include "keeper/nodes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "keeper/resolve.h"
#include "scratch_dir.h"

namespace bulkhead::keeper {
namespace {

class NodesTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kHeld = 4;

  NodesTest() : root_(::open(scratch_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    struct stat st {};
    ::fstat(root_.get(), &st);
    table_.emplace(UniqueFd(::dup(root_.get())), st, kHeld);
  }

  std::string path(const std::string& name) const { return scratch_.path() / name; }
  void make_file(const std::string& name) {
    UniqueFd file(::open(path(name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    ASSERT_TRUE(file);
  }
  void make_directory(const std::string& name) { ASSERT_EQ(::mkdir(path(name).c_str(), 0755), 0); }

  std::uint64_t look_up(std::uint64_t parent, const char* name) {
    Node* directory = table_->use(parent);
    if (!directory) return 0;
    UniqueFd fd = open_name(directory->fd.get(), name);
    struct stat st {};
    if (!fd || ::fstatat(fd.get(), "", &st, AT_EMPTY_PATH) < 0) return 0;
    return table_->hold(std::move(fd), st, *directory, name).number;
  }
  ino_t inode_of(std::uint64_t number) {
    Node* node = table_->use(number);
    struct stat st {};
    return node && ::fstat(node->fd.get(), &st) == 0 ? st.st_ino : 0;
  }

  testing::ScratchDir scratch_;
  UniqueFd root_;
  std::optional<NodeTable> table_;
};

TEST_F(NodesTest, NumbersAreInodeNumbers) {
  make_file("f");
  ASSERT_EQ(::link(path("f").c_str(), path("g").c_str()), 0);
  std::uint64_t f = look_up(1, "f");
  struct stat st {};
  ::stat(path("f").c_str(), &st);
  EXPECT_EQ(f, st.st_ino);
  EXPECT_EQ(look_up(1, "g"), f);
  EXPECT_EQ(table_->held(), 1u);
}

TEST_F(NodesTest, OtherDevicesGetNumbersOfTheirOwn) {
  struct stat st {};
  ::fstat(root_.get(), &st);
  st.st_ino += 1;
  std::uint64_t here = table_->number_of(st);
  st.st_dev += 1;
  EXPECT_NE(table_->number_of(st), here);
  st.st_dev -= 1;
  for (ino_t reserved : {0, 1}) {
    st.st_ino = reserved;
    EXPECT_GT(table_->number_of(st), 1u);
  }
}

TEST_F(NodesTest, FilesAreLetGoAndComeBackByLookup) {
  for (int i = 0; i < 20; ++i) make_file("f" + std::to_string(i));
  std::uint64_t first = look_up(1, "f0");
  for (int i = 1; i < 20; ++i) look_up(1, ("f" + std::to_string(i)).c_str());
  EXPECT_EQ(table_->use(first), nullptr);
  EXPECT_EQ(errno, ESTALE);
  EXPECT_LE(table_->held(), kHeld);
  EXPECT_EQ(look_up(1, "f0"), first);
  EXPECT_EQ(inode_of(first), first);
}

TEST_F(NodesTest, DirectoriesAreFoundAgainByTheirNames) {
  make_directory("a");
  make_directory("a/b");
  make_file("a/b/f");
  std::uint64_t a = look_up(1, "a"), b = look_up(a, "b");
  for (int i = 0; i < 20; ++i) {
    make_file("f" + std::to_string(i));
    look_up(1, ("f" + std::to_string(i)).c_str());
  }
  EXPECT_EQ(inode_of(b), b);
  EXPECT_NE(look_up(b, "f"), 0u);
}

TEST_F(NodesTest, AnotherDirectoryUnderTheNameIsNotTaken) {
  make_directory("a");
  std::uint64_t a = look_up(1, "a");
  for (int i = 0; i < 20; ++i) {
    make_file("f" + std::to_string(i));
    look_up(1, ("f" + std::to_string(i)).c_str());
  }
  ASSERT_EQ(::rename(path("a").c_str(), path("moved").c_str()), 0);
  make_directory("a");
  EXPECT_EQ(table_->use(a), nullptr);
  EXPECT_EQ(look_up(1, "moved"), a);
  EXPECT_EQ(inode_of(a), a);
}

TEST_F(NodesTest, OpenNodesStay) {
  make_file("open");
  std::uint64_t open = look_up(1, "open");
  table_->opened(*table_->use(open));
  table_->opened(*table_->use(open));
  auto churn = [&](int from) {
    for (int i = from; i < from + 20; ++i) {
      make_file("f" + std::to_string(i));
      look_up(1, ("f" + std::to_string(i)).c_str());
    }
  };
  churn(0);
  table_->released(open);
  churn(20);
  EXPECT_EQ(inode_of(open), open);
  table_->released(open);
  churn(40);
  EXPECT_EQ(table_->use(open), nullptr);
}

TEST_F(NodesTest, ForgottenWhenTheLastLookupIsGivenBack) {
  make_file("f");
  std::uint64_t f = look_up(1, "f");
  look_up(1, "f");
  table_->forget(f, 1);
  EXPECT_NE(table_->use(f), nullptr);
  table_->forget(f, 1);
  EXPECT_EQ(table_->use(f), nullptr);
  EXPECT_EQ(table_->held(), 0u);
  table_->forget(f, 1);  // of one that was let go
  table_->forget(1, 1000);
  EXPECT_NE(table_->use(1), nullptr);
}

TEST_F(NodesTest, NamesAreSingleComponents) {
  make_directory("a");
  make_file("a/f");
  for (const char* name : {"", ".", "..", "a/f", "/etc", "a/.."}) {
    errno = 0;
    EXPECT_FALSE(open_name(root_.get(), name)) << name;
    EXPECT_EQ(errno, EINVAL) << name;
  }
  EXPECT_TRUE(open_name(root_.get(), "a"));
}

TEST_F(NodesTest, SymlinksAreNamedNotFollowed) {
  ASSERT_EQ(::symlink("/etc", path("s").c_str()), 0);
  UniqueFd fd = open_name(root_.get(), "s");
  ASSERT_TRUE(fd);
  struct stat st {};
  ASSERT_EQ(::fstatat(fd.get(), "", &st, AT_EMPTY_PATH), 0);
  EXPECT_TRUE(S_ISLNK(st.st_mode));
}

// Data directories are mounts of the tree that the view is given.
TEST_F(NodesTest, MountsOfTheTreeAreCrossed) {
  UniqueFd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd proc = open_name(top.get(), "proc");
  struct statfs fs {};
  ASSERT_EQ(::fstatfs(proc.get(), &fs), 0);
  EXPECT_EQ(fs.f_type, PROC_SUPER_MAGIC);
}

TEST_F(NodesTest, OnlyFilesAndDirectoriesAreOpened) {
  ASSERT_EQ(::mkfifo(path("p").c_str(), 0644), 0);
  make_file("f");
  ASSERT_EQ(::chdir("/proc/self/fd"), 0);
  UniqueFd fifo = open_name(root_.get(), "p"), file = open_name(root_.get(), "f");
  EXPECT_FALSE(reopen(fifo.get(), S_IFIFO, O_RDWR));
  EXPECT_EQ(errno, ENXIO);
  for (mode_t type : {S_IFCHR, S_IFBLK, S_IFSOCK, S_IFLNK}) EXPECT_FALSE(reopen(file.get(), type, O_RDONLY));
  UniqueFd opened = reopen(file.get(), S_IFREG, O_RDWR | O_DIRECT | O_CREAT);
  ASSERT_TRUE(opened);
  EXPECT_EQ(::fcntl(opened.get(), F_GETFL) & (O_DIRECT | O_CREAT), 0);
  EXPECT_EQ(::fcntl(opened.get(), F_GETFD), FD_CLOEXEC);
  errno = 0;
  EXPECT_FALSE(create_file(root_.get(), "p", 0644, O_WRONLY));
  EXPECT_EQ(errno, EEXIST);
  EXPECT_TRUE(create_file(root_.get(), "new", 0644, O_WRONLY));
}

}  // namespace
}  // namespace bulkhead::keeper
