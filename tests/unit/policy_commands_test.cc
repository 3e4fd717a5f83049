// G5: command lists, their wildcards, and the words for a blocked call.
#include "policy/commands.h"

#include <gmock/gmock.h>

namespace bulkhead::policy {
namespace {

using Words = std::vector<std::string_view>;

CommandList deny(std::vector<std::string> commands) {
  return {CommandListType::kDeny, std::move(commands), "KEY"};
}
CommandList allow(std::vector<std::string> commands) {
  return {CommandListType::kAllow, std::move(commands), "KEY"};
}

TEST(Commands, EveryNameOfTheCli) {
  // `docker --help` of CLI 29, and what the list may hold besides.
  for (auto name :
       {"attach", "build", "builder", "buildx", "checkpoint", "commit", "compose", "config", "container",
        "context", "cp", "create", "diff", "events", "exec", "export", "history", "image", "images",
        "import", "info", "inspect", "kill", "load", "login", "logout", "logs", "manifest", "network",
        "node", "pause", "plugin", "port", "ps", "pull", "push", "rename", "restart", "rm", "rmi", "run",
        "save", "search", "secret", "service", "stack", "start", "stats", "stop", "swarm", "system", "tag",
        "top", "trust", "unpause", "update", "version", "volume", "wait", "container*", "image*", "volume*",
        "network*", "build*", "system*", "container ls", "system prune", "buildx du"})
    EXPECT_TRUE(is_command_entry(name)) << name;
  for (auto name : {"", "psx", "*", "container", "swarm*", "Ps", "ps ", "container  ls", "images*", "|",
                    "attach|container", "docker ps", "container\\*"})
    EXPECT_EQ(is_command_entry(name), std::string_view(name) == "container") << name;
}

TEST(Commands, Meanings) {
  struct {
    std::string_view entry;
    Words means, does_not;
  } cases[] = {
      {"ps", {"ps", "container ls", "container list"}, {"container ps x", "images", "node ps"}},
      {"container ls", {"ps"}, {"image ls"}},
      {"container*",
       {"attach", "commit", "cp", "create", "exec", "export", "ps", "run", "rm", "stats", "container prune"},
       {"inspect", "images", "system prune", "import"}},
      {"image*",
       {"build", "history", "import", "image inspect", "load", "images", "image prune", "pull", "push",
        "rmi", "save", "tag"},
       {"commit", "search", "buildx bake", "ps"}},
      {"volume*", {"volume ls", "volume create", "volume prune"}, {"network ls"}},
      {"volume", {"volume ls", "volume create", "volume prune"}, {"network ls"}},
      {"network*", {"network connect", "network prune"}, {"volume ls"}},
      {"build*", {"build", "image build", "builder prune", "buildx du", "buildx bake"}, {"pull", "builder"}},
      {"system*", {"info", "events", "system df", "system prune"}, {"version", "ps"}},
      {"buildx", {"build", "buildx du"}, {"pull"}},
      {"plugin", {"plugin install", "plugin ls"}, {"info"}},
      {"nonsense", {}, {"ps", "nonsense"}},
  };
  for (const auto& c : cases) {
    for (auto command : c.means) EXPECT_TRUE(entry_means(c.entry, command)) << c.entry << " " << command;
    for (auto command : c.does_not) EXPECT_FALSE(entry_means(c.entry, command)) << c.entry << " " << command;
  }
}

TEST(Lists, DenyByAnyOwner) {
  Words prune{"container prune", "system prune"};
  EXPECT_TRUE(is_allowed(deny({}), prune, {}));
  EXPECT_FALSE(is_allowed(deny({"system*"}), prune, {}));
  EXPECT_FALSE(is_allowed(deny({"container*"}), prune, {}));
  EXPECT_TRUE(is_allowed(deny({"image*", "rm"}), prune, {}));
  // A helper's deny does not close what others need too.
  EXPECT_TRUE(is_allowed(deny({"run"}), Words{"wait"}, Words{"run"}));
}

TEST(Lists, AllowByOwnerOrHelper) {
  Words wait{"wait"}, helpers{"run", "start"};
  EXPECT_FALSE(is_allowed(allow({}), wait, helpers));
  EXPECT_TRUE(is_allowed(allow({"wait"}), wait, helpers));
  EXPECT_TRUE(is_allowed(allow({"run"}), wait, helpers));
  EXPECT_FALSE(is_allowed(allow({"ps"}), wait, helpers));
}

TEST(Lists, MistakesInRoutesCloseThem) {
  for (const auto& list : {deny({}), allow({"container*"})}) {
    EXPECT_FALSE(is_allowed(list, {}, {}));
    EXPECT_FALSE(is_allowed(list, Words{"pss"}, {}));
    EXPECT_FALSE(is_allowed(list, Words{"ps", "pss"}, {}));
    EXPECT_TRUE(is_allowed(list, Words{"ps"}, Words{"pss"}));
  }
}

TEST(Lists, Messages) {
  constexpr std::string_view kUri = "/v1.43/images/myimage/push?tag=latest", kFile = "/etc/x.json";
  constexpr std::string_view kCore =
      "enhanced container isolation: docker command \"/v1.43/images/myimage/push?tag=latest\" is blocked; if you "
      "wish to allow it, configure the docker socket command list: ";
  EXPECT_EQ(command_blocked(deny({"ps", "image*"}), Words{"push"}, kUri, kFile),
            std::string(kCore) + "remove \"image*\" from KEY in /etc/x.json");
  EXPECT_EQ(command_blocked(allow({"ps"}), Words{"push"}, kUri, kFile),
            std::string(kCore) + "add \"push\" to KEY in /etc/x.json");
  EXPECT_EQ(command_blocked(allow({"ps"}), {}, kUri, kFile),
            std::string(kCore) + "this endpoint is not known to belong to any docker command");
}

}  // namespace
}  // namespace bulkhead::policy
