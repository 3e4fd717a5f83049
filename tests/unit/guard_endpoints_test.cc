// The rules beside create.
#include "guard_world.h"

namespace bulkhead::guard {
namespace {

constexpr char kOurs[] = R"({"HostConfig":{"Runtime":"bulkhead"},"Config":{"Image":"a"}})";
constexpr char kOld[] = R"({"HostConfig":{"Runtime":"runc"}})";

// G8: containers from before, and around, the guard.
TEST(GuardEndpoints, UnprotectedContainersStayAsTheyAre) {
  World world;
  world.engine["/containers/old/json"] = kOld;
  world.engine["/containers/ours/json"] = kOurs;
  world.engine["/exec/e1/json"] = R"({"ContainerID":"old"})";
  for (auto [method, rest] : {std::pair{"POST", "start"}, {"POST", "restart"}, {"POST", "attach"}, {"POST", "exec"},
                              {"GET", "attach/ws"}, {"PUT", "archive"}, {"POST", "update"}, {"POST", "unpause"}}) {
    EXPECT_EQ(world.judge(method, std::string("/containers/old/") + rest), "unprotected-container") << rest;
    EXPECT_EQ(world.judge(method, std::string("/containers/ours/") + rest), "") << rest;
  }
  EXPECT_EQ(world.judge("POST", "/exec/e1/start"), "unprotected-container");
  for (auto [method, rest] : {std::pair{"POST", "/stop"}, {"DELETE", ""}, {"GET", "/logs"}, {"GET", "/json"}})
    EXPECT_EQ(world.judge(method, std::string("/containers/old") + rest), "") << rest;
}

// Between the judgement and the engine the name may have become another container's.
TEST(GuardEndpoints, TheContainerThatWasJudgedIsTheOneThatIsMeant) {
  World world;
  world.engine["/containers/name/json"] = R"({"Id":"0123abcd","HostConfig":{"Runtime":"bulkhead"},"Config":{}})";
  for (std::string_view rest : {"start", "restart", "attach", "exec", "update"}) {
    EXPECT_EQ(world.judge("POST", std::string("/v1.41/containers/name/").append(rest).append("?a=b")), "");
    EXPECT_EQ(world.last.target.text(), std::string("/v1.41/containers/0123abcd/").append(rest).append("?a=b"));
  }
}

TEST(GuardEndpoints, StartJudgesTheMountsAgain) {
  World world;
  world.engine["/containers/c/json"] = R"({"HostConfig":{"Runtime":"bulkhead","Binds":["/home/u/x:/x"]},"Config":{"Image":"i"}})";
  EXPECT_EQ(world.judge("POST", "/containers/c/start"), "");
  world.files.add("/home/u/x", 4, "/run/docker.sock");  // the link was swapped meanwhile
  EXPECT_EQ(world.judge("POST", "/containers/c/start"), "socket-mount");
  EXPECT_EQ(world.judge("POST", "/containers/c/restart"), "socket-mount");
}

TEST(GuardEndpoints, NoCheckpoints) {
  World world;
  world.engine["/containers/c/json"] = kOurs;
  EXPECT_EQ(world.judge("POST", "/containers/c/start?checkpoint=a"), "checkpoint");
  EXPECT_EQ(world.judge("POST", "/containers/c/start?checkpoint-dir=/etc"), "checkpoint");
  EXPECT_EQ(world.judge("POST", "/containers/c/checkpoints"), "unknown-route");
}

TEST(GuardEndpoints, BuildsHaveNoHostNetwork) {
  World world;
  EXPECT_EQ(world.judge("POST", "/build?networkmode=host"), "build-network");
  EXPECT_EQ(world.judge("POST", "/build?version=2&session=x&networkmode=host"), "build-network");
  EXPECT_EQ(world.judge("POST", "/build?networkmode=default&t=a&t=b&dockerfile=D"), "");
  EXPECT_EQ(world.judge("POST", "/build?entitlements=security.insecure"), "build-parameter");
  EXPECT_EQ(world.judge("POST", "/build?cgroupparent=../x"), "cgroup-parent");
  EXPECT_EQ(world.judge("POST", "/build?remote=http://127.0.0.1/x"), "fetch");
  EXPECT_EQ(world.judge("POST", "/build?remote=https://github.com/a/b.git"), "");
  EXPECT_EQ(world.judge("POST", "/build?remote=client-session"), "");
}

TEST(GuardEndpoints, TheEngineDoesNotFetchFromTheHost) {
  World world;
  EXPECT_EQ(world.judge("POST", "/images/create?fromSrc=http://169.254.169.254/latest"), "fetch");
  EXPECT_EQ(world.judge("POST", "/images/create?fromSrc=http://u:p@LOCALHOST:80/"), "fetch");
  EXPECT_EQ(world.judge("POST", "/images/create?fromSrc=-&repo=a"), "");
  EXPECT_EQ(world.judge("POST", "/images/create?fromImage=busybox&tag=latest"), "");
}

TEST(GuardEndpoints, TheHostsNetworkByAnyName) {
  World world;
  world.engine["/networks/5f"] = R"({"Name":"host","Driver":"host"})";
  world.engine["/networks/mine"] = R"({"Name":"mine","Driver":"bridge"})";
  EXPECT_EQ(world.judge("POST", "/networks/host/connect", R"({"Container":"c"})"), "host-namespace");
  EXPECT_EQ(world.judge("POST", "/networks/5f/connect", R"({"Container":"c"})"), "host-namespace");
  EXPECT_EQ(world.judge("POST", "/networks/mine/connect", R"({"Container":"c"})"), "");
}

TEST(GuardEndpoints, ServicesAreJudgedAsContainers) {
  World world;
  world.engine["/networks/5f"] = R"({"Name":"host","Driver":"host"})";
  auto service = [&](std::string_view spec) {
    EXPECT_EQ(world.judge("POST", "/services/x/update?version=1", spec), world.judge("POST", "/services/create", spec));
    return world.judge("POST", "/services/create", spec);
  };
  EXPECT_EQ(service(R"({"Name":"a","TaskTemplate":{"ContainerSpec":{"Image":"i","Mounts":[
                        {"Type":"bind","Source":"/run","Target":"/x"}]}}})"), "socket-mount");
  EXPECT_EQ(service(R"({"tasktemplate":{"containerspec":{"mounts":[{"type":"bind","source":"/proc"}]}}})"), "restricted-mount");
  EXPECT_EQ(service(R"({"TaskTemplate":{"Networks":[{"Target":"host"}]}})"), "host-namespace");
  EXPECT_EQ(service(R"({"Networks":[{"Target":"5f"}]})"), "host-namespace");
  EXPECT_EQ(service(R"({"TaskTemplate":{"Runtime":"plugin","PluginSpec":{"Name":"p"}}})"), "plugin");
  EXPECT_EQ(service(R"({"TaskTemplate":{"PluginSpec":{"Name":"p"}}})"), "plugin");
  EXPECT_EQ(service(R"({"Name":"a","TaskTemplate":{"ContainerSpec":{"Image":"i"},"Runtime":"container"},"Mode":{"Replicated":{"Replicas":2}}})"), "");
}

TEST(GuardEndpoints, PluginsAndClustersAreTheAdministrators) {
  World world;
  for (std::string_view target : {"/plugins/pull?remote=a", "/plugins/create?name=a", "/plugins/a/b:c/set", "/plugins/a/enable"})
    EXPECT_EQ(world.judge("POST", target), "plugin") << target;
  for (std::string_view target : {"/swarm/join", "/swarm/init", "/swarm/leave?force=1", "/nodes/a/update"})
    EXPECT_EQ(world.judge("POST", target), "swarm") << target;
  EXPECT_EQ(world.judge("GET", "/plugins"), "");
  EXPECT_EQ(world.judge("GET", "/nodes"), "");
}

TEST(GuardEndpoints, FactsAreAskedForByNamesAlone) {
  World world;
  EXPECT_EQ(world.create(R"("VolumesFrom":["../info","a?b","a%2fb"],"IpcMode":"container:x/../../info")"), "");
  for (const auto& target : world.asked) EXPECT_EQ(target.find(".."), std::string::npos) << target;
}

}  // namespace
}  // namespace bulkhead::guard
