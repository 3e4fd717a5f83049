// Wrappers with logic of their own: parsers of /proc, signal names, small file operations.
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "scratch_dir.h"
#include "sys/capability.h"
#include "sys/file.h"
#include "sys/mount_info.h"
#include "sys/process.h"

namespace bulkhead::sys {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MountInfoText, Line) {
  auto mounts = parse_mountinfo(
      "36 35 98:1 /sub /mnt rw,noatime shared:7 master:1 - ext4 /dev/root rw,errors=continue\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].id, 36u);
  EXPECT_EQ(mounts[0].device, makedev(98, 1));
  EXPECT_EQ(mounts[0].root, "/sub");
  EXPECT_EQ(mounts[0].mount_point, "/mnt");
  EXPECT_EQ(mounts[0].type, "ext4");
  EXPECT_EQ(mounts[0].options, "rw,errors=continue");
  EXPECT_EQ(mounts[0].propagation, "master");
}

TEST(MountInfoText, EscapesAndDashes) {
  auto mounts = parse_mountinfo(
      "1 2 0:5 / /a\\040b\\011\\012\\134c rw - tmpfs - rw,x=\\054\n"
      "3 4 0:6 /- /- rw - fuse.x\\040y src\\040- rw\n");
  ASSERT_EQ(mounts.size(), 2u);
  EXPECT_EQ(mounts[0].mount_point, "/a b\t\n\\c");
  EXPECT_EQ(mounts[0].propagation, "");
  EXPECT_EQ(mounts[0].options, "rw,x=\\054") << "a comma of a value stays told from one between";
  EXPECT_EQ(mounts[1].root, "/-");
  EXPECT_EQ(mounts[1].type, "fuse.x y");
}

TEST(MountInfoText, Malformed) {
  for (const char* text : {"", "\n\n", "1 2 3", "1 2 0:1 / /m rw no dash here at all", "1 2 0:1 / /m rw - tmpfs"})
    EXPECT_THAT(parse_mountinfo(text), IsEmpty()) << text;
  auto odd = parse_mountinfo("x y z / /m rw - t s o\n");
  ASSERT_EQ(odd.size(), 1u);
  EXPECT_EQ(odd[0].device, 0u);
}

TEST(MountInfoText, Octal) {
  EXPECT_EQ(unescape_octal("a\\040b"), "a b");
  EXPECT_EQ(unescape_octal("\\04"), "\\04") << "too short";
  EXPECT_EQ(unescape_octal("\\"), "\\");
  EXPECT_EQ(unescape_octal("\\999"), "\\999");
  EXPECT_EQ(unescape_octal("\\134\\054"), "\\,");
}

// The system call and the text file tell the same of every mount of this host.
TEST(MountInfo, StatmountAgreesWithTheFile) {
  UniqueFd proc = std::move(*open_path("/proc", O_PATH | O_DIRECTORY));
  auto mount = mount_of(proc.get(), true);
  ASSERT_TRUE(mount) << mount.error().message;
  EXPECT_EQ(mount->type, "proc");
  EXPECT_EQ(mount->mount_point, "/proc");
  EXPECT_EQ(mount->root, "/");
  UniqueFd root = std::move(*open_path("/", O_PATH | O_DIRECTORY));
  auto below = mounts_below(root.get(), "/");
  ASSERT_TRUE(below);
  std::multiset<std::string> by_call, by_file;
  for (const auto& m : *below) by_call.insert(m.mount_point + " " + m.root + " " + std::to_string(m.device));
  for (const auto& m : parse_mountinfo(*read_file("/proc/self/mountinfo", 1 << 24)))
    if (m.mount_point != "/") by_file.insert(m.mount_point + " " + m.root + " " + std::to_string(m.device));
  EXPECT_EQ(by_call, by_file);
}

TEST(Signals, Names) {
  EXPECT_EQ(parse_signal("TERM"), SIGTERM);
  EXPECT_EQ(parse_signal("SIGKILL"), SIGKILL);
  EXPECT_EQ(parse_signal("sigint"), SIGINT);
  EXPECT_EQ(parse_signal("9"), 9);
  EXPECT_EQ(parse_signal("0"), 0);
  EXPECT_EQ(parse_signal("IOT"), SIGABRT);
  EXPECT_EQ(parse_signal("CLD"), SIGCHLD);
  EXPECT_EQ(parse_signal("POLL"), SIGPOLL);
  EXPECT_EQ(parse_signal("SIGRTMIN"), SIGRTMIN);
  EXPECT_EQ(parse_signal("RTMIN+3"), SIGRTMIN + 3);
  EXPECT_EQ(parse_signal("SIGRTMAX"), SIGRTMAX);
  EXPECT_EQ(parse_signal("SIGRTMAX-14"), SIGRTMAX - 14);
  for (const char* name : {"", "SIG", "FOO", "-1", "65", "RTMIN+99", "RTMIN-1", "RTMAX+1", "RTMAX-99", "TERM ", "SIGSIGTERM"})
    EXPECT_FALSE(parse_signal(name)) << name;
}

TEST(Process, StatOfAnEvilName) {
  for (const char* name : {"a) R 1 (b", ")", "x y z", "()()", "\n) Z 0 0"}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_NAME, name);
      [[maybe_unused]] auto n = write(ends[1], "r", 1);
      pause();
      _exit(0);
    }
    char byte;
    ASSERT_EQ(read(ends[0], &byte, 1), 1);
    auto stat = process_stat(child);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
    ASSERT_TRUE(stat && *stat) << name;
    EXPECT_EQ((*stat)->parent, getpid()) << name;
    EXPECT_THAT("RSD", ::testing::Contains((*stat)->state)) << name;
    EXPECT_GT((*stat)->start_ticks, 0u) << name;
  }
}

TEST(Process, StatOfNobody) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  auto stat = process_stat(child);
  ASSERT_TRUE(stat);
  EXPECT_FALSE(*stat);
}

TEST(Process, ExitCodes) {
  EXPECT_EQ(exit_code(3 << 8), 3);
  EXPECT_EQ(exit_code(SIGKILL), 137);
}

TEST(Capabilities, Names) {
  EXPECT_EQ(capability_number("CAP_CHOWN"), 0u);
  EXPECT_EQ(capability_name(0), "CAP_CHOWN");
  for (unsigned number = 0; number <= last_capability(); ++number)
    EXPECT_EQ(capability_number(capability_name(number)), number) << capability_name(number);
}

class Files : public ::testing::Test {
 protected:
  std::filesystem::path at(const char* name) const { return scratch.path() / name; }
  bool is_clean() const {  // nothing but what the test made by name
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path()))
      if (entry.path().string().ends_with(".tmp")) return false;
    return true;
  }
  testing::ScratchDir scratch;
};

TEST_F(Files, LimitIsAnErrorNotACut) {
  std::ofstream(at("f")) << std::string(1000, 'x');
  EXPECT_EQ(read_file_at(scratch.fd(), "f", 1000)->size(), 1000u);
  EXPECT_THAT(read_file_at(scratch.fd(), "f", 999).error().message, HasSubstr("f: larger than the limit of 999"));
  EXPECT_EQ(read_file("/dev/null", 0)->size(), 0u);
}

TEST_F(Files, ReplaceIsAtomicAndLeavesNothing) {
  ASSERT_TRUE(replace_file_at(scratch.fd(), "f", "one", 0600));
  ASSERT_TRUE(replace_file_at(scratch.fd(), "f", "two", 0600));
  EXPECT_EQ(*read_file_at(scratch.fd(), "f", 100), "two");
  std::filesystem::create_directories(at("directory/x"));
  EXPECT_FALSE(replace_file_at(scratch.fd(), "directory", "text", 0600));
  EXPECT_TRUE(is_clean());
  std::filesystem::create_symlink("f", at("link"));
  ASSERT_TRUE(replace_file_at(scratch.fd(), "link", "three", 0600));
  EXPECT_EQ(*read_file_at(scratch.fd(), "f", 100), "two") << "the link was replaced, not followed";
}

TEST_F(Files, WriteNeverCreates) {
  EXPECT_FALSE(write_file_at(scratch.fd(), "none", "x"));
  EXPECT_FALSE(std::filesystem::exists(at("none")));
}

TEST_F(Files, RemoveTreeDoesNotFollowLinks) {
  std::filesystem::create_directories(at("tree/deep/er"));
  std::filesystem::create_directories(at("keep"));
  std::ofstream(at("keep/file")) << "x";
  std::filesystem::create_symlink(at("keep"), at("tree/deep/link"));
  ASSERT_TRUE(remove_tree_at(scratch.fd(), "tree"));
  EXPECT_FALSE(std::filesystem::exists(at("tree")));
  EXPECT_TRUE(std::filesystem::exists(at("keep/file")));
  EXPECT_TRUE(remove_tree_at(scratch.fd(), "tree")) << "again";
}

TEST_F(Files, MakeDirectories) {
  ASSERT_TRUE(make_directories(at("a/b/c").string(), 0711));
  struct stat st {};
  stat(at("a/b").c_str(), &st);
  EXPECT_EQ(st.st_mode & 0777, 0711u);
  ASSERT_TRUE(make_directories(at("a/b/c").string(), 0711)) << "again";
  std::ofstream(at("file"));
  EXPECT_FALSE(make_directories(at("file/x").string(), 0700));
}

TEST_F(Files, ContainsInode) {
  std::filesystem::create_directories(at("d/e"));
  std::ofstream(at("d/e/f"));
  struct stat st {};
  stat(at("d/e/f").c_str(), &st);
  std::size_t seen = 0;
  EXPECT_TRUE(contains_inode(scratch.fd(), identity(st), 100, seen));
  stat("/", &st);
  seen = 0;
  EXPECT_FALSE(contains_inode(scratch.fd(), identity(st), 100, seen));
  seen = 0;
  EXPECT_TRUE(contains_inode(scratch.fd(), identity(st), 1, seen)) << "what cannot be ruled out is a yes";
}

}  // namespace
}  // namespace bulkhead::sys
