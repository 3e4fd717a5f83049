// commandList: requests against the commands of the CLI.
#include <gtest/gtest.h>

#include "guard/commands.h"

namespace bulkhead::guard {
namespace {

using Type = policy::CommandListType;

bool passes(Type type, std::vector<std::string> commands, std::string_view method, std::string_view target) {
  Request request;
  request.method = method;
  request.target = *parse_target(target);
  auto route = find_route(request);
  EXPECT_TRUE(route) << target;
  auto verdict = judge_command({type, std::move(commands)}, request, **route, target, "/etc/bulkhead/admin-settings.json");
  if (!verdict) {
    EXPECT_TRUE(verdict.error().message.starts_with(std::string("enhanced container isolation: docker command \"")
                                                        .append(target).append("\" is blocked; if you wish to allow it, ")));
  }
  return verdict.has_value();
}
bool denied(std::vector<std::string> commands, std::string_view method, std::string_view target) {
  return !passes(Type::kDeny, std::move(commands), method, target);
}
bool allowed(std::vector<std::string> commands, std::string_view method, std::string_view target) {
  return passes(Type::kAllow, std::move(commands), method, target);
}

TEST(GuardCommands, DenyByOwner) {
  EXPECT_TRUE(denied({"push"}, "POST", "/v1.43/images/myimage/push?tag=latest"));
  EXPECT_TRUE(denied({"build"}, "POST", "/session"));
  EXPECT_TRUE(denied({"build*"}, "POST", "/build/prune"));
  EXPECT_TRUE(denied({"image*"}, "POST", "/images/load"));
  EXPECT_TRUE(denied({"container*"}, "POST", "/exec/e/start"));
  EXPECT_TRUE(denied({"system*"}, "POST", "/volumes/prune"));
  EXPECT_TRUE(denied({"login"}, "POST", "/auth"));
  EXPECT_TRUE(denied({"plugin"}, "GET", "/plugins"));
  EXPECT_FALSE(denied({"attach"}, "POST", "/containers/c/wait"));
  EXPECT_FALSE(denied({"run"}, "POST", "/containers/c/start"));  // start is its own
  EXPECT_FALSE(denied({"image*"}, "GET", "/containers/json"));
  EXPECT_FALSE(denied({}, "POST", "/build"));
}

TEST(GuardCommands, AllowByOwnerOrStep) {
  for (auto [method, target] : {std::pair{"POST", "/containers/create"}, {"POST", "/containers/c/attach"}, {"POST", "/containers/c/start"},
                                {"POST", "/containers/c/wait"}, {"POST", "/images/create?fromImage=a"}})
    EXPECT_TRUE(allowed({"run"}, method, target)) << target;
  EXPECT_FALSE(allowed({"run"}, "POST", "/images/create?fromSrc=-"));
  EXPECT_FALSE(allowed({"run"}, "DELETE", "/containers/c"));
  EXPECT_FALSE(allowed({}, "GET", "/containers/json"));
  EXPECT_TRUE(allowed({"ps", "inspect", "events", "network*"}, "GET", "/networks"));  // what Traefik needs
}

TEST(GuardCommands, PullAndImportAreTwo) {
  EXPECT_TRUE(denied({"pull"}, "POST", "/images/create?fromImage=a&fromSrc=-"));
  EXPECT_FALSE(denied({"pull"}, "POST", "/images/create?fromSrc=-"));
  EXPECT_TRUE(denied({"import"}, "POST", "/images/create?fromSrc=-"));
}

TEST(GuardCommands, NegotiationAlwaysPasses) {
  EXPECT_TRUE(allowed({}, "GET", "/_ping"));
  EXPECT_TRUE(allowed({}, "HEAD", "/_ping"));
  EXPECT_TRUE(allowed({}, "GET", "/version"));
}

TEST(GuardCommands, EveryRowNamesCommandsThatTheSettingsTake) {
  for (const auto& route : routes()) {
    Request request;
    auto [owners, helped] = commands_of(request, route);
    for (const auto* list : {&owners, &helped})
      for (auto command : *list) {
        std::string settings = R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":{"commands":[")";
        settings.append(command).append("\"]}}}}");
        EXPECT_TRUE(policy::read_policy(settings, "s")) << command;
      }
  }
}

}  // namespace
}  // namespace bulkhead::guard
