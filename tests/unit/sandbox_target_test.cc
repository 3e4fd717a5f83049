// Targets inside a hostile root: nothing is found or made outside of it, whatever links it holds.
#include "sandbox/target.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "scratch_dir.h"
#include "sys/file.h"

namespace bulkhead::sandbox {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// <scratch>/outside and <scratch>/root; only the second is the container's.
class Target : public ::testing::Test {
 protected:
  Target() {
    fs::create_directories(scratch.path() / "root");
    fs::create_directories(scratch.path() / "outside");
    root_fd = std::move(*sys::open_path((scratch.path() / "root").string(), O_PATH | O_DIRECTORY));
  }

  void link(const char* at, const std::string& to) {
    fs::create_directories((root() / at).parent_path());
    fs::create_symlink(to, root() / at);
  }
  fs::path root() const { return scratch.path() / "root"; }
  fs::path outside() const { return scratch.path() / "outside"; }
  bool outside_is_empty() const { return fs::is_empty(outside()); }

  // Where the target is, from the root; the error's text.
  std::string made(std::string_view path, TargetKind kind) {
    auto target = make_target(root_fd.get(), path, kind);
    if (!target) return target.error().message;
    std::string at = *sys::fd_path(target->get());
    return at.starts_with(root().string()) ? at.substr(root().string().size()) : "OUTSIDE: " + at;
  }
  std::string directory(std::string_view path) { return made(path, TargetKind::kDirectory); }
  std::string file(std::string_view path) { return made(path, TargetKind::kFile); }

  testing::ScratchDir scratch;
  UniqueFd root_fd;
};

TEST_F(Target, MakesWhatIsMissing) {
  EXPECT_EQ(directory("/a/b/c"), "/a/b/c");
  EXPECT_EQ(file("/x/y/f"), "/x/y/f");
  EXPECT_TRUE(fs::is_regular_file(root() / "x/y/f"));
  EXPECT_EQ(directory("/a/b/c"), "/a/b/c") << "again";
  EXPECT_EQ(file("/x/y/f"), "/x/y/f") << "again";
  struct stat st {};
  stat((root() / "a").c_str(), &st);
  EXPECT_EQ(st.st_mode & 07777, 0755u);
  stat((root() / "x/y/f").c_str(), &st);
  EXPECT_EQ(st.st_mode & 07777, 0644u);
}

TEST_F(Target, TheRootItself) {
  EXPECT_EQ(directory("/"), "");
  EXPECT_EQ(directory("/a/.."), "");
}

TEST_F(Target, LinksThatLeadOut) {
  link("absolute", outside().string());
  link("relative", "../outside");
  link("far", "../../../../../../../../../../.." + outside().string());
  for (const char* name : {"absolute", "relative", "far"}) {
    EXPECT_THAT(directory(std::string("/") + name + "/made"), ::testing::StartsWith("/")) << name;
    EXPECT_THAT(file(std::string("/") + name + "/file"), ::testing::StartsWith("/")) << name;
  }
  EXPECT_EQ(directory("/../../outside/x"), "/outside/x");
  EXPECT_TRUE(outside_is_empty());
}

TEST_F(Target, LinkToADirectoryThatIsMissing) {
  link("var/run", "/run");
  EXPECT_EQ(directory("/var/run"), "/run");
  link("var/lock", "../run/lock");
  EXPECT_EQ(directory("/var/lock/deep"), "/run/lock/deep");
}

// Images with systemd-resolved, and engines that bind their resolv.conf over it.
TEST_F(Target, LinkToAFileThatIsMissing) {
  link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf");
  EXPECT_EQ(file("/etc/resolv.conf"), "/run/systemd/resolve/stub-resolv.conf");
  link("etc/localtime", "/usr/share/zoneinfo/UTC");
  EXPECT_EQ(file("/etc/localtime"), "/usr/share/zoneinfo/UTC");
  link("etc/out", outside().string() + "/file");
  EXPECT_EQ(file("/etc/out"), outside().string() + "/file");
  EXPECT_TRUE(outside_is_empty());
}

TEST_F(Target, ChainsAndLoops) {
  link("a", "b");
  link("b", "c");
  link("c", "/end");
  EXPECT_EQ(directory("/a"), "/end");
  link("x", "y");
  link("y", "x");
  EXPECT_THAT(directory("/x"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(directory("/x/below"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(file("/x"), HasSubstr("Too many levels of symbolic links"));
  link("self", "self/below");
  EXPECT_THAT(directory("/self"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(file("/self"), HasSubstr("Too many levels of symbolic links"));
}

TEST_F(Target, WrongKinds) {
  std::ofstream(root() / "plain");
  EXPECT_THAT(directory("/plain"), HasSubstr("Not a directory"));
  EXPECT_THAT(directory("/plain/below"), HasSubstr("Not a directory"));
  EXPECT_THAT(file("/plain/below"), HasSubstr("Not a directory"));
}

TEST_F(Target, MagicLinks) {
  fs::create_directories(root() / "proc");
  link("exe", "/proc/self/root");
  EXPECT_EQ(directory("/exe"), "/proc/self/root") << "made as directories of the root's own";
  EXPECT_TRUE(fs::is_directory(root() / "proc/self/root"));
}

// Whoever shares the volume puts a FIFO where a file is to be made: nothing waits for it.
TEST_F(Target, FifoDoesNotBlock) {
  ASSERT_EQ(mkfifo((root() / "pipe").c_str(), 0600), 0);
  alarm(5);
  EXPECT_EQ(file("/pipe"), "/pipe");
  alarm(0);
}

// Another process exchanges a directory for a link that leads out, again and again.
TEST_F(Target, ExchangeRace) {
  fs::create_directories(root() / "dir");
  fs::create_symlink(outside(), root() / "trap");
  const std::string dir = root() / "dir", trap = root() / "trap";
  pid_t attacker = fork();
  if (attacker == 0) {
    while (getppid() != 1) renameat2(AT_FDCWD, dir.c_str(), AT_FDCWD, trap.c_str(), RENAME_EXCHANGE);
    _exit(0);
  }
  for (int i = 0; i < 3000; ++i) {
    std::string path = "/dir/d" + std::to_string(i % 50), where = directory(path);
    ASSERT_FALSE(where.starts_with("OUTSIDE")) << where;
    where = file(path + "f/file");
    ASSERT_FALSE(where.starts_with("OUTSIDE")) << where;
    if (i % 50 == 49) {
      std::error_code ignored;
      fs::remove_all(dir + "/d0", ignored);
    }
  }
  kill(attacker, SIGKILL);
  waitpid(attacker, nullptr, 0);
  EXPECT_TRUE(outside_is_empty());
}

TEST_F(Target, FindMakesNothing) {
  EXPECT_FALSE(find_target(root_fd.get(), "/a"));
  EXPECT_FALSE(fs::exists(root() / "a"));
  EXPECT_EQ(find_target(root_fd.get(), "/a").error().code, ENOENT);
}

TEST_F(Target, Parent) {
  std::string name;
  auto parent = make_parent(root_fd.get(), "/dev/net/tun", name);
  ASSERT_TRUE(parent);
  EXPECT_EQ(name, "tun");
  EXPECT_TRUE(fs::is_directory(root() / "dev/net"));
  ASSERT_TRUE(make_parent(root_fd.get(), "/top", name));
  EXPECT_EQ(name, "top");
}

}  // namespace
}  // namespace bulkhead::sandbox
