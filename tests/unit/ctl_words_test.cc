// O5: docker command lines as the CLI reads them.
#include "ctl/docker_words.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Result<DockerWords> read(std::string_view line) {
  std::vector<std::string> words;
  for (auto word : split(line, ' ')) words.emplace_back(word);
  return read_docker_words(words);
}

TEST(DockerWords, Run) {
  auto words = read("docker run -it --rm -v /a:/b -v=/c:/d -v/e:/f --mount type=bind,src=/g,dst=/h --net host "
                    "--pid=host -e X=1 --privileged=false --init docker:cli sh -v /x:/y");
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_EQ(words->command, "run");
  EXPECT_TRUE(words->makes_container());
  EXPECT_EQ(words->image(), "docker:cli");
  EXPECT_THAT(words->arguments, ElementsAre("docker:cli", "sh", "-v", "/x:/y"));
  EXPECT_THAT(words->all("volume"), ElementsAre("/a:/b", "/c:/d", "/e:/f"));
  EXPECT_THAT(words->all("mount"), ElementsAre("type=bind,src=/g,dst=/h"));
  EXPECT_THAT(words->all("network"), ElementsAre("host"));
  EXPECT_THAT(words->all("pid"), ElementsAre("host"));
  EXPECT_TRUE(words->is_set("tty"));
  EXPECT_TRUE(words->is_set("interactive"));
  EXPECT_TRUE(words->is_set("init"));
  EXPECT_FALSE(words->is_set("privileged"));
  EXPECT_FALSE(words->is_set("detach"));
}

TEST(DockerWords, ShortOnesTogether) {
  auto words = read("run -ditv /a:/b -p8080:80 -u=0 x");
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_THAT(words->all("volume"), ElementsAre("/a:/b"));
  EXPECT_THAT(words->all("publish"), ElementsAre("8080:80"));
  EXPECT_THAT(words->all("user"), ElementsAre("0"));
  EXPECT_EQ(words->image(), "x");
}

TEST(DockerWords, GlobalsGroupsAndOthers) {
  EXPECT_EQ(read("docker -H unix:///x --context=y -D container create --name a img")->command, "container create");
  EXPECT_EQ(read("docker --tlsverify run -- img")->image(), "img");
  auto push = read("docker image push -a x");
  EXPECT_EQ(push->command, "image push");
  EXPECT_FALSE(push->makes_container());
  EXPECT_THAT(push->arguments, ElementsAre("-a", "x"));
  EXPECT_THAT(read("ps")->arguments, IsEmpty());
}

TEST(DockerWords, Errors) {
  std::pair<std::string_view, std::string_view> cases[] = {
      {"docker", "no docker command"},
      {"docker nope", "\"nope\" is not a command of the docker CLI"},
      {"docker image*", "\"image*\" is not a command of the docker CLI"},
      {"docker volume", "\"docker volume\" needs a sub-command"},
      {"docker volume nope", "\"docker volume nope\" is no command"},
      {"docker run", "docker run: no image"},
      {"docker run -it", "docker run: no image"},
      {"docker run --name", "option --name needs a value"},
      {"docker run -v", "option --volume needs a value"},
      {"docker run -z x", "unknown option -z"},
      {"docker -H", "option --H needs a value"},
  };
  for (auto [line, error] : cases) {
    auto words = read(line);
    ASSERT_FALSE(words) << line;
    EXPECT_EQ(words.error().message, error) << line;
  }
}

}  // namespace
}  // namespace bulkhead::ctl
