// What layers show together, and copies of it. Whiteouts and overlay's marks need root.
#include "sandbox/layers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "sandbox/data_directory.h"
#include "scratch_dir.h"

namespace bulkhead::sandbox {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class Layers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: whiteouts and trusted.* attributes";
    for (const char* name : {"upper", "work", "high", "low"}) fs::create_directories(path(name));
    layers_ = {.lower = {path("high"), path("low")}, .upper = path("upper"), .work = path("work")};
    fs::create_directories(path("upper/data"));
  }

  std::string path(const std::string& name) const { return (scratch_.path() / name).string(); }
  void file(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  void whiteout(const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_EQ(mknod(path(name).c_str(), S_IFCHR, makedev(0, 0)), 0);
  }
  void mark(const std::string& name, const char* attribute, const char* value) const {
    fs::create_directories(path(name));
    ASSERT_EQ(setxattr(path(name).c_str(), attribute, value, 1, 0), 0);
  }
  bool is_whiteout(const std::string& name) const {
    struct stat st {};
    return lstat(path(name).c_str(), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
  }

  // Name and text of the files of a directory, "W" for a whiteout.
  std::map<std::string, std::string> contents(const std::string& name) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(path(name))) {
      std::string relative = fs::relative(entry.path(), path(name));
      if (entry.is_directory()) continue;
      std::string text = "W";
      if (entry.is_regular_file()) std::getline(std::ifstream(entry.path()), text);
      all[relative] = text;
    }
    return all;
  }

  Result<> own() const {
    auto mount = own_directory(layers_, "data", "/data");
    if (!mount) return std::unexpected(mount.error());
    return {};
  }

  testing::ScratchDir scratch_;
  OverlayLayers layers_;
};

TEST_F(Layers, NothingBelowIsLeftAlone) {
  file("upper/data/own", "upper");
  fs::create_directories(path("low/data"));
  ASSERT_TRUE(own());
  EXPECT_LT(getxattr(path("upper/data").c_str(), "trusted.overlay.opaque", nullptr, 0), 0);
  EXPECT_THAT(contents("upper/data"), UnorderedElementsAre(Pair("own", "upper")));
}

TEST_F(Layers, AreMergedTopmostFirst) {
  file("upper/data/a", "upper");
  file("high/data/a", "high");
  file("high/data/d/b", "high");
  file("low/data/d/b", "low");
  file("low/data/d/c", "low");
  auto done = own();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(contents("upper/data"),
              UnorderedElementsAre(Pair("a", "upper"), Pair("d/b", "high"), Pair("d/c", "low")));
  char value = 0;
  EXPECT_EQ(getxattr(path("upper/data").c_str(), "trusted.overlay.opaque", &value, 1), 1);
  EXPECT_EQ(value, 'y');
  EXPECT_TRUE(fs::is_empty(path("work")));
}

TEST_F(Layers, OnceOnly) {
  file("low/data/a", "low");
  ASSERT_TRUE(own());
  fs::remove(path("upper/data/a"));
  ASSERT_TRUE(own());
  EXPECT_TRUE(fs::is_empty(path("upper/data")));  // what was removed does not come back
}

TEST_F(Layers, WhiteoutsThatHideAreTheirsOthersAreKept) {
  file("low/data/gone", "low");
  whiteout("high/data/gone");
  whiteout("high/data/overlay2/x/diff/inner");
  auto done = own();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(fs::exists(fs::symlink_status(path("upper/data/gone"))));
  EXPECT_TRUE(is_whiteout("upper/data/overlay2/x/diff/inner"));
}

TEST_F(Layers, OpaqueDirectoriesHide) {
  file("low/data/d/old", "low");
  file("high/data/d/new", "high");
  mark("high/data/d", "trusted.overlay.opaque", "y");
  ASSERT_TRUE(own());
  EXPECT_THAT(contents("upper/data"), UnorderedElementsAre(Pair("d/new", "high")));
  EXPECT_LT(getxattr(path("upper/data/d").c_str(), "trusted.overlay.opaque", nullptr, 0), 0);
}

TEST_F(Layers, AboveTheDirectoryToo) {
  layers_.upper = path("upper/data");  // "deep/data" in it, so that there is something above
  fs::create_directories(path("upper/data/deep/data"));
  file("low/deep/data/old", "low");
  whiteout("high/deep");
  auto found = find_in_layers(layers_, "deep/data");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 1u);
}

TEST_F(Layers, EverythingOfAFileIsCopied) {
  file("low/data/f", "text");
  ASSERT_EQ(chown(path("low/data/f").c_str(), 7, 8), 0);
  ASSERT_EQ(chmod(path("low/data/f").c_str(), 04751), 0);
  ASSERT_EQ(setxattr(path("low/data/f").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 2000, .tv_nsec = 2}};
  ASSERT_EQ(utimensat(AT_FDCWD, path("low/data/f").c_str(), times, 0), 0);
  fs::create_hard_link(path("low/data/f"), path("low/data/g"));
  fs::create_symlink("f", path("low/data/s"));
  ASSERT_EQ(truncate(path("low/data/f").c_str(), 1 << 20), 0);
  ASSERT_EQ(utimensat(AT_FDCWD, path("low/data/f").c_str(), times, 0), 0);
  auto done = own();
  ASSERT_TRUE(done) << done.error().message;
  struct stat st {};
  ASSERT_EQ(lstat(path("upper/data/f").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 7u);
  EXPECT_EQ(st.st_gid, 8u);
  EXPECT_EQ(st.st_mode & 07777, 04751u);
  EXPECT_EQ(st.st_nlink, 2u);
  EXPECT_EQ(st.st_mtim.tv_sec, 2000);
  EXPECT_EQ(st.st_size, 1 << 20);
  EXPECT_LT(st.st_blocks, 64);  // the hole is one
  EXPECT_EQ(getxattr(path("upper/data/f").c_str(), "user.overlay.opaque", nullptr, 0), 1);
  EXPECT_EQ(fs::read_symlink(path("upper/data/s")), "f");
}

TEST_F(Layers, WhatIsElsewhereIsRefused) {
  mark("high/data/d", "trusted.overlay.redirect", "x");
  auto renamed = own();
  ASSERT_FALSE(renamed);
  EXPECT_THAT(renamed.error().message, HasSubstr("redirect_dir"));
  EXPECT_TRUE(fs::is_empty(path("upper/data")));
}

TEST_F(Layers, ASymlinkInTheUpperLayerLeadsNowhere) {
  fs::remove(path("upper/data"));
  fs::create_directory_symlink("/etc", path("upper/data"));
  EXPECT_FALSE(own());
}

TEST_F(Layers, AnUnfinishedCopyIsRemoved) {
  file("work/bulkhead-data/half", "half");
  file("low/data/a", "low");
  ASSERT_TRUE(own());
  EXPECT_THAT(contents("upper/data"), UnorderedElementsAre(Pair("a", "low")));
  EXPECT_TRUE(fs::is_empty(path("work")));
}

}  // namespace
}  // namespace bulkhead::sandbox
