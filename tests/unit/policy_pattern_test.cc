#include "policy/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead::policy {
namespace {

TEST(Matches, Table) {
  struct {
    std::string_view pattern, path;
    bool expected;
  } cases[] = {
      {"/dev/null", "/dev/null", true},
      {"/dev/null", "/dev/nul", false},
      {"/dev/null", "/dev/null/x", false},
      {"/dev/null", "/dev", false},
      {"/dev/dri/*", "/dev/dri/card0", true},
      {"/dev/dri/*", "/dev/dri", false},
      {"/dev/dri/*", "/dev/dri/by-path/x", false},
      {"/dev/nvidia*", "/dev/nvidia", true},
      {"/dev/nvidia*", "/dev/nvidia0", true},
      {"/dev/nvidia*", "/dev/nvidia-caps/x", false},
      {"/a/*b*c", "/a/bc", true},
      {"/a/*b*c", "/a/xbybzc", true},
      {"/a/*b*c", "/a/xbybzcd", false},
      {"/a/*/c", "/a/b/c", true},
      {"/a/*/c", "/a/b/b/c", false},
      {"/a/*/c", "/a//c", false},
      {"/a/**", "/a/b", true},
      {"/a/**", "/a/b/c/d", true},
      {"/a/**", "/a", false},
      {"/a/**", "/ab/c", false},
      {"/**", "/a", true},
      {"/**", "/", false},
      {"/", "/", true},
      {"/", "/a", false},
      {"/*", "/a", true},
      {"/*", "/", false},
      {"/v/*/_data/**", "/v/x/_data/y", true},
      {"/v/*/_data/**", "/v/x/_data/../../../etc/shadow", false},
      {"/v/*/_data/**", "/v/x/_data/.", false},
      {"/v/*/_data/**", "/v/x/_data/y/", false},
      {"/v/**", "/v//x", false},
      {"/v/*", "/v/..", false},
      {"/v/*", "/v/.hidden", true},
      {"v/*", "v/x", false},
      {"", "", false},
      {"/a/**/b", "/a/x/b", false},  // no pattern
      {"/a/x**", "/a/xy", false},
      {"/a/**", "a/b", false},
      {"/ä/*", "/ä/ö", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(matches(c.pattern, c.path), c.expected) << c.pattern << " " << c.path;
}

TEST(Matches, ManyStarsTakeNoTime) {
  std::string pattern = "/", path = "/" + std::string(4000, 'a');
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_TRUE(matches(pattern, path));
  EXPECT_FALSE(matches(pattern + "b", path));
}

TEST(IsPattern, Table) {
  for (auto good : {"/", "/a", "/*", "/**", "/a/**", "/a*b*/c", "/a/*/**"})
    EXPECT_TRUE(is_pattern(good)) << good;
  for (auto bad :
       {"", "a", "a/*", "/a/", "//", "/a//b", "/./a", "/a/..", "/**/a", "/a**", "/a/***"})
    EXPECT_FALSE(is_pattern(bad)) << bad;
}

TEST(IsAtOrBelow, Table) {
  EXPECT_TRUE(is_at_or_below("/a/b", "/a"));
  EXPECT_TRUE(is_at_or_below("/a", "/a"));
  EXPECT_TRUE(is_at_or_below("/a", "/"));
  EXPECT_FALSE(is_at_or_below("/ab", "/a"));
  EXPECT_FALSE(is_at_or_below("/", "/a"));
}

}  // namespace
}  // namespace bulkhead::policy
