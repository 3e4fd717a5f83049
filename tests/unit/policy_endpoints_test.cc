// G5 on the wire: which endpoints a list closes.
#include "policy/endpoints.h"

#include <gmock/gmock.h>

namespace bulkhead::policy {
namespace {

bool allows(CommandListType type, std::vector<std::string> commands, std::string_view method,
            std::string_view pattern) {
  return is_endpoint_allowed({type, std::move(commands), "KEY"}, method, pattern);
}
bool with_denied(std::string command, std::string_view method, std::string_view pattern) {
  return allows(CommandListType::kDeny, {std::move(command)}, method, pattern);
}
bool with_allowed(std::string command, std::string_view method, std::string_view pattern) {
  return allows(CommandListType::kAllow, {std::move(command)}, method, pattern);
}

TEST(Endpoints, RowsNameCommandsThatExist) {
  auto endpoints = known_endpoints();
  EXPECT_GT(endpoints.size(), 100u);
  for (auto [method, pattern] : endpoints) {
    const auto* commands = commands_of(method, pattern);
    ASSERT_TRUE(commands) << method << " " << pattern;
    EXPECT_FALSE(commands->owners.empty()) << method << " " << pattern;
    for (auto name : commands->owners) EXPECT_TRUE(is_docker_command(name)) << pattern << ": " << name;
    for (auto name : commands->helper_of) EXPECT_TRUE(is_docker_command(name)) << pattern << ": " << name;
    EXPECT_TRUE(allows(CommandListType::kDeny, {}, method, pattern)) << method << " " << pattern;
    EXPECT_EQ(allows(CommandListType::kAllow, {}, method, pattern), commands->always || commands->for_all);
  }
}

TEST(Endpoints, UnknownIsClosed) {
  EXPECT_FALSE(allows(CommandListType::kDeny, {}, "GET", "/debug/vars"));
  EXPECT_FALSE(allows(CommandListType::kDeny, {}, "OPTIONS", "/containers/json"));
  EXPECT_FALSE(allows(CommandListType::kDeny, {}, "PATCH", "/containers/json"));
  EXPECT_FALSE(allows(CommandListType::kDeny, {}, "POST", "/images/create"));  // pull or import?
}

TEST(Endpoints, AlwaysOpen) {
  for (auto method : {"GET", "HEAD"}) {
    EXPECT_TRUE(with_denied("version", method, "/_ping"));
    EXPECT_TRUE(allows(CommandListType::kAllow, {}, method, "/_ping"));
  }
  EXPECT_TRUE(allows(CommandListType::kAllow, {}, "GET", "/version"));
  EXPECT_TRUE(allows(CommandListType::kAllow, {}, "GET", "/info"));
  EXPECT_FALSE(with_denied("info", "GET", "/info"));
  EXPECT_FALSE(with_denied("system*", "GET", "/info"));
}

TEST(Endpoints, Denied) {
  struct {
    const char *command, *method, *pattern;
  } closed[] = {
      {"push", "POST", "/images/{name}/push"},
      {"image*", "POST", "/images/{name}/push"},
      {"image*", "POST", "/build"},
      {"image*", "POST", "/images/create?fromSrc"},
      {"build*", "POST", "/build"},
      {"build*", "POST", "/session"},
      {"build*", "POST", "/grpc"},
      {"build*", "POST", "/build/prune"},
      {"container*", "POST", "/containers/create"},
      {"container*", "POST", "/exec/{id}/start"},
      {"container*", "GET", "/containers/{id}/attach/ws"},
      {"run", "POST", "/containers/create"},
      {"cp", "HEAD", "/containers/{id}/archive"},
      {"exec", "POST", "/containers/{id}/exec"},
      {"login", "POST", "/auth"},
      {"plugin", "POST", "/plugins/pull"},
      {"swarm", "GET", "/swarm/unlockkey"},
      {"system*", "POST", "/containers/prune"},
      {"system*", "POST", "/images/prune"},
      {"system*", "POST", "/volumes/prune"},
      {"system*", "POST", "/networks/prune"},
      {"system*", "POST", "/build/prune"},
      {"system*", "GET", "/system/df"},
      {"volume*", "PUT", "/volumes/{id}"},
      {"network*", "POST", "/networks/{id}/connect"},
  };
  for (const auto& c : closed) EXPECT_FALSE(with_denied(c.command, c.method, c.pattern)) << c.command << c.pattern;
  EXPECT_TRUE(with_denied("pull", "POST", "/images/create?fromSrc"));
  EXPECT_TRUE(with_denied("import", "POST", "/images/create?fromImage"));
  EXPECT_TRUE(with_denied("run", "GET", "/containers/{id}/json"));
  EXPECT_TRUE(with_denied("push", "GET", "/images/json"));
}

TEST(Endpoints, AllowedWithWhatTheCommandNeeds) {
  struct {
    const char *command, *method, *pattern;
  } open[] = {
      {"run", "POST", "/containers/create"},       {"run", "POST", "/containers/{id}/start"},
      {"run", "POST", "/containers/{id}/attach"},  {"run", "POST", "/containers/{id}/wait"},
      {"run", "POST", "/containers/{id}/resize"},  {"run", "POST", "/images/create?fromImage"},
      {"exec", "GET", "/containers/{id}/json"},    {"exec", "POST", "/exec/{id}/start"},
      {"logs", "GET", "/containers/{id}/json"},    {"rm", "DELETE", "/containers/{id}"},
      {"build", "POST", "/session"},               {"compose", "POST", "/networks/create"},
      {"ps", "GET", "/containers/json"},           {"system prune", "POST", "/volumes/prune"},
  };
  for (const auto& c : open) EXPECT_TRUE(with_allowed(c.command, c.method, c.pattern)) << c.command << c.pattern;
  EXPECT_FALSE(with_allowed("ps", "POST", "/containers/create"));
  EXPECT_FALSE(with_allowed("ps", "POST", "/containers/{id}/exec"));
  EXPECT_FALSE(with_allowed("logs", "GET", "/containers/{id}/archive"));
  EXPECT_FALSE(with_allowed("run", "POST", "/images/create?fromSrc"));
}

// What Traefik and Ryuk are given in practice.
TEST(Endpoints, RealAllowLists) {
  CommandList traefik{CommandListType::kAllow, {"ps", "inspect", "events", "network*"}, "KEY"};
  for (auto pattern : {"/_ping", "/version", "/containers/json", "/containers/{id}/json", "/events", "/networks"})
    EXPECT_TRUE(is_endpoint_allowed(traefik, "GET", pattern)) << pattern;
  EXPECT_FALSE(is_endpoint_allowed(traefik, "POST", "/containers/create"));
  CommandList ryuk{CommandListType::kAllow, {"ps", "rm", "network*", "volume*", "images", "rmi"}, "KEY"};
  for (auto pattern : {"/containers/json", "/networks", "/volumes", "/images/json"})
    EXPECT_TRUE(is_endpoint_allowed(ryuk, "GET", pattern)) << pattern;
  for (auto pattern : {"/containers/{id}", "/networks/{id}", "/volumes/{id}", "/images/{name}"})
    EXPECT_TRUE(is_endpoint_allowed(ryuk, "DELETE", pattern)) << pattern;
  EXPECT_FALSE(is_endpoint_allowed(ryuk, "POST", "/containers/{id}/exec"));
}

TEST(Endpoints, WhatARequestShowsOnlyDenies) {
  CommandList no_compose{CommandListType::kDeny, {"compose"}, "KEY"}, compose{CommandListType::kAllow, {"compose"}, "KEY"};
  EXPECT_TRUE(is_endpoint_allowed(no_compose, "POST", "/containers/create"));
  EXPECT_FALSE(is_endpoint_allowed(no_compose, "POST", "/containers/create", "compose"));
  EXPECT_TRUE(is_endpoint_allowed(compose, "POST", "/containers/create"));
  EXPECT_FALSE(is_endpoint_allowed(compose, "POST", "/auth", "compose"));
}

TEST(Endpoints, Message) {
  CommandList list{CommandListType::kDeny, {"push"}, "KEY"};
  EXPECT_EQ(endpoint_blocked(list, "POST", "/images/{name}/push", "/v1.43/images/myimage/push?tag=latest", "/f.json"),
            "enhanced container isolation: docker command \"/v1.43/images/myimage/push?tag=latest\" is blocked; if you "
            "wish to allow it, configure the docker socket command list: remove \"push\" from KEY in /f.json");
}

}  // namespace
}  // namespace bulkhead::policy
