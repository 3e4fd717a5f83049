// What bulkhead-registry cannot do any more once it is confined: each attempt in a child of its own.
#include "fetch/confine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::fetch {
namespace {

constexpr User kNobody{64998, 64998};
constexpr int kNotConfined = 255;

class Confined : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: the process changes its user";
    ASSERT_NE(::mkdtemp(directory_), nullptr);
    ASSERT_EQ(::chown(directory_, kNobody.uid, kNobody.gid), 0);
  }
  void TearDown() override {
    auto parent = sys::open_path("/tmp", O_RDONLY | O_DIRECTORY);
    (void)sys::remove_tree_at(parent->get(), std::string_view(directory_).substr(5));
  }

  // 0, or the errno with which `attempt` (0 or -1) fails in a confined child.
  template <typename Attempt>
  int error_of(Attempt attempt) {
    pid_t child = ::fork();
    if (child == 0) {
      if (auto done = confine(kNobody, directory_); !done) {
        fprintf(stderr, "%s\n", done.error().message.c_str());
        ::_exit(kNotConfined);
      }
      ::_exit(attempt() < 0 ? errno : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kNotConfined;
  }
  std::string in_directory(std::string_view name) { return cat(directory_, "/", name); }

  char directory_[40] = "/tmp/bulkhead-confine-XXXXXX";
};

TEST_F(Confined, DoesItsWork) {
  EXPECT_EQ(error_of([&] { return ::open(in_directory("x").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600); }), 0);
  EXPECT_EQ(error_of([] { return ::open("/etc/hosts", O_RDONLY | O_CLOEXEC); }), 0);
  EXPECT_EQ(error_of([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }), 0);
  EXPECT_EQ(error_of([] {
              pid_t child = ::fork();
              if (child == 0) ::_exit(0);
              return ::waitpid(child, nullptr, 0) == child ? 0 : -1;
            }), 0);
}

TEST_F(Confined, ReachesNoFilesOfOthers) {
  // World-readable or writable: only Landlock refuses these.
  for (const char* path : {"/proc/self/status", "/sys/kernel/mm", "/tmp", "/var/log", "/usr/bin/env"})
    EXPECT_EQ(error_of([&] { return ::open(path, O_RDONLY | O_CLOEXEC); }), EACCES) << path;
  EXPECT_EQ(error_of([] { return ::open("/tmp/bulkhead-confine-x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600); }), EACCES);
  EXPECT_EQ(error_of([] { return ::open("/etc/shadow", O_RDONLY | O_CLOEXEC); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::mkdir(in_directory("d").c_str(), 0700); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::symlink("/etc", in_directory("l").c_str()); }), EACCES);
}

TEST_F(Confined, MakesNoCallsThatItDoesNotNeed) {
  EXPECT_EQ(error_of([] { return ::execl("/bin/true", "true", nullptr); }), EPERM);
  EXPECT_EQ(error_of([] { return ::unshare(CLONE_NEWUSER); }), EPERM);
  EXPECT_EQ(error_of([] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }), EPERM);
  EXPECT_EQ(error_of([] { return ::mount("none", "/tmp", "tmpfs", 0, nullptr); }), EPERM);
}

TEST_F(Confined, HasNoWayBackToRoot) {
  EXPECT_EQ(error_of([] { return ::setuid(0); }), EPERM);
  EXPECT_EQ(error_of([] { return ::setgid(0); }), EPERM);
  EXPECT_EQ(error_of([] { return ::getuid() == kNobody.uid && ::getgroups(0, nullptr) == 0 ? 0 : -1; }), 0);
}

TEST(FindUser, NamesAndNumbers) {
  EXPECT_EQ(find_user("5:6")->uid, 5u);
  EXPECT_EQ(find_user("5:6")->gid, 6u);
  EXPECT_EQ(find_user("daemon")->uid, 1u);
  for (auto root : {"0:0", "0:5", "5:0", "root"})
    EXPECT_THAT(find_user(root).error().message, ::testing::HasSubstr("is root")) << root;
  EXPECT_THAT(find_user("no-such-user").error().message, ::testing::HasSubstr("useradd --system"));
  EXPECT_FALSE(find_user("5"));
  EXPECT_FALSE(find_user("-1:5"));
}

}  // namespace
}  // namespace bulkhead::fetch
