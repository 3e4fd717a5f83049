#include <gtest/gtest.h>

#include "guard/endpoints/endpoints.h"
#include "json/serialize.h"

namespace bulkhead::guard {
namespace {

// The create body in shape, as text; "refused: ..." otherwise.
std::string shaped(std::string_view text, std::vector<std::string>* dropped = nullptr) {
  std::vector<std::string> names;
  auto value = json::parse(text);
  if (!value) return "refused: " + value.error().message;
  auto out = into_shape(*value, kCreateShape, names);
  if (dropped) *dropped = names;
  return out ? json::serialize(*out) : "refused: " + out.error().message;
}

// What Go's decoder takes for a field (seen with Go 1.19 and 1.25) gets its name.
TEST(GuardShape, KeysFoldAsInGo) {
  EXPECT_EQ(shaped(R"({"hostconfig":{"BINDS":["/:/x"]}})"), R"({"HostConfig":{"Binds":["/:/x"]}})");
  EXPECT_EQ(shaped("{\"Ho\xc5\xbftConfig\":{\"Bind\xc5\xbf\":[\"/:/x\"]}}"), R"({"HostConfig":{"Binds":["/:/x"]}})");
  EXPECT_EQ(shaped("{\"HostConfig\":{\"Networ\xe2\x84\xaaMode\":\"host\"}}"), R"({"HostConfig":{"NetworkMode":"host"}})");
  EXPECT_EQ(shaped(R"({"HostConfig":{"\u0042inds":[]}})"), R"({"HostConfig":{"Binds":[]}})");
}

TEST(GuardShape, TwoKeysForOneMemberAreRefused) {
  EXPECT_EQ(shaped(R"({"HostConfig":{"Binds":[],"binds":["/:/x"]}})"), "refused: HostConfig.Binds: given more than once");
  EXPECT_TRUE(shaped(R"({"HostConfig":{"Binds":null,"binds":["/:/x"]}})").starts_with("refused"));
  EXPECT_TRUE(shaped(R"({"HostConfig":{},"HostConfig":{}})").starts_with("refused"));
}

TEST(GuardShape, UnknownMembersDoNotGoOn) {
  std::vector<std::string> dropped;
  EXPECT_EQ(shaped(R"({"Image":"a","Binds":["/:/x"],"HostConfig":{"Future":{"a":1}}})", &dropped),
            R"({"Image":"a","HostConfig":{}})");
  EXPECT_EQ(dropped, (std::vector<std::string>{"Binds", "HostConfig.Future"}));
}

TEST(GuardShape, NullsAreAbsentButInMaps) {
  EXPECT_EQ(shaped(R"({"Cmd":null,"Volumes":{"/a":null},"NetworkingConfig":{"EndpointsConfig":{"n":null}}})"),
            R"({"Volumes":{"/a":null},"NetworkingConfig":{"EndpointsConfig":{"n":null}}})");
}

TEST(GuardShape, TypesAreThoseOfTheEngine) {
  EXPECT_EQ(shaped(R"({"Cmd":"sh","Entrypoint":["a","b"]})"), R"({"Cmd":"sh","Entrypoint":["a","b"]})");
  for (std::string_view text : {R"({"Cmd":1})", R"({"Env":"A=b"})", R"({"Env":[null]})", R"({"Tty":"true"})",
                                R"({"HostConfig":[]})", R"({"HostConfig":{"Memory":"1"}})", R"({"Labels":{"a":1}})",
                                R"({"HostConfig":{"Memory":1.5}})", R"([])", R"("x")"})
    EXPECT_TRUE(shaped(text).starts_with("refused")) << text;
}

TEST(GuardShape, DataKeysKeepTheirCase) {
  EXPECT_EQ(shaped(R"({"Labels":{"a":"1","A":"2","\u017f":"3"}})"), "{\"Labels\":{\"a\":\"1\",\"A\":\"2\",\"\xc5\xbf\":\"3\"}}");
}

}  // namespace
}  // namespace bulkhead::guard
