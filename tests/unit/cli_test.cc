// Command lines as engines and people write them.
#include "cli/options.h"

#include <gmock/gmock.h>

namespace bulkhead::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Option kOptions[] = {
    {"bundle", 'b', "DIR", "the bundle"},
    {"detach", 'd', nullptr, "do not wait"},
    {"env", 'e', "VAR", "a variable"},
    {"no-letter", 0, nullptr, "has none"},
};

Parsed parsed(std::vector<std::string> words) {
  auto result = parse(kOptions, words);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Parsed{};
}
std::string error(std::vector<std::string> words) {
  auto result = parse(kOptions, words);
  return result ? "parsed" : result.error().message;
}

TEST(Options, Spellings) {
  for (std::vector<std::string> words :
       {std::vector<std::string>{"--bundle", "x"}, {"--bundle=x"}, {"-bundle", "x"}, {"-bundle=x"}, {"-b", "x"}, {"-b=x"}, {"--b", "x"}})
    EXPECT_EQ(parsed(words).get("bundle"), "x") << words[0];
}

TEST(Options, Flags) {
  EXPECT_TRUE(parsed({"--detach"}).has("detach"));
  EXPECT_TRUE(parsed({"-d"}).has("detach"));
  EXPECT_TRUE(parsed({"--detach=true"}).has("detach"));
  EXPECT_FALSE(parsed({"--detach=false"}).has("detach"));
  EXPECT_FALSE(parsed({"--detach=0"}).has("detach"));
  EXPECT_FALSE(parsed({"--detach", "--detach=false"}).has("detach"));
  EXPECT_FALSE(parsed({}).has("detach"));
  EXPECT_THAT(error({"--detach=maybe"}), HasSubstr("--detach=maybe: must be true or false"));
}

TEST(Options, TheFirstArgumentEndsThem) {
  auto p = parsed({"-d", "id", "--bundle", "x"});
  EXPECT_THAT(p.arguments, ElementsAre("id", "--bundle", "x"));
  EXPECT_FALSE(p.has("bundle"));
  EXPECT_THAT(parsed({"--", "-d"}).arguments, ElementsAre("-d"));
  EXPECT_THAT(parsed({"-", "x"}).arguments, ElementsAre("-", "x"));
  EXPECT_THAT(parsed({""}).arguments, ElementsAre(""));
  EXPECT_THAT(parsed({"-d", "--"}).arguments, IsEmpty());
}

TEST(Options, Repeated) {
  auto p = parsed({"-e", "A=1", "--env=B=2", "-e", ""});
  EXPECT_THAT(p.all("env"), ElementsAre("A=1", "B=2", ""));
  EXPECT_EQ(p.get("env"), "");
  EXPECT_THAT(p.all("bundle"), IsEmpty());
}

TEST(Options, ValuesThatLookLikeOptions) { EXPECT_EQ(parsed({"--bundle", "--detach"}).get("bundle"), "--detach"); }

TEST(Options, Errors) {
  EXPECT_THAT(error({"--nonsense"}), HasSubstr("unknown option --nonsense"));
  EXPECT_THAT(error({"-x"}), HasSubstr("unknown option"));
  EXPECT_THAT(error({"--det"}), HasSubstr("unknown option")) << "no abbreviations";
  EXPECT_THAT(error({"-de"}), HasSubstr("unknown option")) << "no bundling";
  EXPECT_THAT(error({"--=x"}), HasSubstr("unknown option"));
  EXPECT_THAT(error({"--bundle"}), HasSubstr("option --bundle needs DIR"));
  EXPECT_THAT(error({"---detach"}), HasSubstr("unknown option"));
}

TEST(Options, Help) {
  std::string help = describe(kOptions);
  EXPECT_THAT(help, HasSubstr("--bundle DIR, -b"));
  EXPECT_THAT(help, HasSubstr("--no-letter "));
}

}  // namespace
}  // namespace bulkhead::cli
