#include <gtest/gtest.h>

#include "guard/target.h"

namespace bulkhead::guard {
namespace {

TEST(GuardTarget, IsWrittenAnew) {
  auto target = parse_target("/v1.41/%63ontainers/json?all=1&filters=%7B%22name%22%3A%5B%22a+b%22%5D%7D");
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->path, "/containers/json");
  EXPECT_EQ(target->minor, 41u);
  EXPECT_EQ(target->query.get("filters"), R"({"name":["a b"]})");
  EXPECT_EQ(target->text(), "/v1.41/containers/json?all=1&filters=%7B%22name%22%3A%5B%22a%20b%22%5D%7D");
}

TEST(GuardTarget, NamesOfImages) {
  auto target = parse_target("/images/localhost:5000/a/b%40sha256:0123/json");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->text(), "/images/localhost:5000/a/b@sha256:0123/json");
}

TEST(GuardTarget, PathTricksAreRefused) {
  for (std::string_view text :
       {"", "containers/json", "http://x/containers/json", "*", "/containers//json", "/containers/./json",
        "/containers/../info", "/containers/%2e%2e/info", "/a%2fb", "/a%2Fb", "/a%00b", "/a%0d%0ab", "/a;b", "/a%3bb",
        "/a\\b", "/a%5cb", "/a#b", "/a%", "/a%zz", "/a%ff", "/a%c0%af", "/a%ed%a0%80", "/a%253fb", "/a%3fb=c"})
    EXPECT_FALSE(parse_target(text)) << text;
}

TEST(GuardTarget, Versions) {
  EXPECT_TRUE(parse_target("/v1.24/info"));
  EXPECT_TRUE(parse_target("/v1.56/info"));
  EXPECT_FALSE(parse_target("/info")->minor);
  for (std::string_view text : {"/v1.23/info", "/v1.57/info", "/v1/info", "/v1./info", "/v1.43.0/info", "/v....1/info",
                                "/v2.0/info", "/v1.041/info", "/v1.4294967338/info", "/v1.41"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_TRUE(parse_target("/volumes"));  // begins with a v, is no version
}

TEST(GuardTarget, QueriesAreReadOneWay) {
  for (std::string_view text : {"/build?networkmode=none&networkmode=host", "/a?a=1;b=2", "/a?a=%zz", "/a?a=%00"})
    EXPECT_FALSE(parse_target(text)) << text;
  auto target = parse_target("/images/get?names=a&names=b%26c");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->query.all("names").size(), 2u);
  EXPECT_EQ(target->text(), "/images/get?names=a&names=b%26c");
}

TEST(GuardTarget, FlagsAsGoReadsThem) {
  auto query = parse_target("/a?a=1&b=False&c=none&d=%20no&e=true&f")->query;
  EXPECT_TRUE(query.flag("a") && query.flag("e"));
  EXPECT_FALSE(query.flag("b") || query.flag("c") || query.flag("d") || query.flag("f") || query.flag("absent"));
}

}  // namespace
}  // namespace bulkhead::guard
