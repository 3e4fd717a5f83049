// linux.cgroupsPath: what is refused matters most (Docker's --cgroup-parent is user input).
#include <gtest/gtest.h>

#include "cgroup/cgroup.h"

namespace bulkhead::cgroup {
namespace {

using namespace std::string_literals;

std::string path_of(std::string_view text) {
  auto location = locate(text, "c1", false);
  return location ? location->path : "error: " + location.error().message;
}

bool refused(std::string_view text, bool systemd = false) {
  return !locate(text, "c1", systemd).has_value();
}

TEST(CgroupLocate, CgroupfsPaths) {
  EXPECT_EQ(path_of("/docker/abc"), "/docker/abc");
  EXPECT_EQ(path_of("docker/abc"), "/docker/abc");
  EXPECT_EQ(path_of("//a/./b///c/"), "/a/b/c");
  EXPECT_EQ(path_of("/a/..b/c.."), "/a/..b/c..");
  EXPECT_EQ(path_of(""), "/bulkhead/c1");
}

TEST(CgroupLocate, RefusesEscapesAndTheRoot) {
  for (const auto& text : {"/a/../../b"s, ".."s, "/.."s, "a/.."s, "/"s, "."s, "//./"s, "/a\0b"s,
                           "/a\nb"s, "/a\x7f"s, "/"s + std::string(300, 'x')})
    EXPECT_TRUE(refused(text)) << text;
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "/ab";
  EXPECT_TRUE(refused(deep));
}

TEST(CgroupLocate, RefusesAnIdThatIsNoName) {
  EXPECT_FALSE(locate("", "..", false));
  EXPECT_FALSE(locate("", "a/b", false));
  EXPECT_FALSE(locate("", "", false));
}

TEST(CgroupLocate, SystemdUnits) {
  auto location = locate("system.slice:docker:0123abc", "c1", true);
  ASSERT_TRUE(location) << location.error().message;
  EXPECT_EQ(location->slice, "system.slice");
  EXPECT_EQ(location->prefix, "docker");
  EXPECT_EQ(location->name, "0123abc");
  EXPECT_EQ(locate(":docker:x", "c1", true)->slice, "system.slice");
  EXPECT_EQ(locate("-.slice:docker:x", "c1", true)->slice, "-.slice");
  EXPECT_EQ(locate("", "c1", true)->name, "c1");
}

TEST(CgroupLocate, RefusesWhatIsNoUnit) {
  for (const char* text : {"/docker/abc", "a:b", "a.slice:b:c:d", "user:docker:x", "a.slice:b:",
                           "a.slice:b:x/../y", "a/b.slice:c:d", "a.slice:b c:d"})
    EXPECT_TRUE(refused(text, true)) << text;
}

}  // namespace
}  // namespace bulkhead::cgroup
