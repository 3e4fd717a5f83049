// Who may have the Docker socket, and what a container gets for it.
#include <sys/stat.h>

#include "guard/sockets.h"
#include "guard_world.h"
#include "scratch_dir.h"

namespace bulkhead::guard {
namespace {

constexpr char kId[] = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
constexpr char kOther[] = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

struct SocketWorld : World {
  SocketWorld() {
    auto policy = std::make_shared<policy::Policy>(policy::default_policy());
    std::vector<std::string> list{"docker:cli"};
    policy->docker_socket.images = *images::ImageList::make(list, false);
    environment.policy = policy;
    engine["/images/docker:cli/json"] = std::string(R"({"Id":")").append(kId).append(R"(","RepoTags":["docker:cli"]})");
    engine["/images/busybox/json"] = std::string(R"({"Id":")").append(kOther).append(R"(","RepoTags":["busybox:latest"]})");
    registry["docker.io/library/docker:cli"] = std::vector<std::string>{kId};
  }
  std::string create_of(std::string_view image, std::string_view host_config) {
    return judge("POST", "/containers/create", std::string(R"({"Image":")").append(image).append(R"(","HostConfig":{)")
                                                   .append(host_config).append("}}"));
  }
};

TEST(GuardSockets, AnAllowedImageGetsItsOwn) {
  SocketWorld world;
  for (std::string_view host_config : {R"("Binds":["/var/run/docker.sock:/var/run/docker.sock:ro"])",
                                       R"("Mounts":[{"Type":"bind","Source":"/run/docker.sock","Target":"/s"}])"}) {
    EXPECT_EQ(world.create_of("docker:cli", host_config), "") << world.message;
    ASSERT_TRUE(world.last.granted);
    EXPECT_TRUE(is_key(world.last.granted->key));
    EXPECT_EQ(world.last.granted->verified.text(), "docker.io/library/docker:cli");
    auto path = socket_path("/var/lib/bulkhead/guard", world.last.granted->key);
    EXPECT_NE(world.forwarded().find(path), std::string::npos) << world.forwarded();
    EXPECT_EQ(world.forwarded().find("/run/docker.sock\""), std::string::npos);
  }
}

TEST(GuardSockets, OthersGetNone) {
  SocketWorld world;
  EXPECT_EQ(world.create_of("busybox", R"("Binds":["/run/docker.sock:/s"])"), "socket-mount");
  EXPECT_EQ(world.create_of("not-here", R"("Binds":["/run/docker.sock:/s"])"), "socket-mount");
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":["/run:/s"])"), "socket-mount");
  world.registry["docker.io/library/docker:cli"] = std::vector<std::string>{kOther};  // the tag has moved
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":["/run/docker.sock:/s"])"), "socket-mount");
  world.registry["docker.io/library/docker:cli"] = fail("registry down");
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":["/run/docker.sock:/s"])"), "socket-mount");
}

TEST(GuardSockets, StartJudgesTheImageThatTheContainerHas) {
  SocketWorld world;
  std::string key(32, 'a');
  auto container = [&](std::string_view id) {
    return std::string(R"({"Image":")").append(id).append(R"(","Config":{"Image":"docker:cli"},"HostConfig":{"Runtime":)")
        .append(R"("bulkhead","Binds":[")").append(socket_path("/var/lib/bulkhead/guard", key)).append(R"(:/s"]}})");
  };
  world.engine[std::string("/images/").append(kId).append("/json")] = world.engine["/images/docker:cli/json"];
  world.engine[std::string("/images/").append(kOther).append("/json")] =
      std::string(R"({"Id":")").append(kOther).append(R"(","RepoTags":["docker:cli"]})");
  world.engine["/containers/good/json"] = container(kId);
  world.engine["/containers/bad/json"] = container(kOther);
  EXPECT_EQ(world.judge("POST", "/containers/good/start"), "") << world.message;
  EXPECT_EQ(world.last.granted->key, key);
  EXPECT_EQ(world.judge("POST", "/containers/bad/start"), "socket-mount");
}

TEST(GuardSockets, AnothersSocketIsNotHandedOn) {
  SocketWorld world;
  auto path = socket_path("/var/lib/bulkhead/guard", std::string(32, 'b'));
  EXPECT_EQ(world.create_of("busybox", R"("Binds":[")" + path + R"(:/s"])"), "socket-mount");
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":[")" + path + R"(:/s"])"), "");
  EXPECT_EQ(world.forwarded().find(path), std::string::npos) << "a new one";
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":["/var/lib/bulkhead/guard/sockets:/s"])"), "socket-mount");
  EXPECT_EQ(world.create_of("docker:cli", R"("Binds":["/var/lib:/s"])"), "socket-mount");
}

TEST(GuardSockets, HoldersAreStored) {
  bulkhead::testing::ScratchDir folder;
  auto state = folder.path().string();
  Holder holder{new_key(), *images::parse_reference("docker:cli")}, any{new_key(), {}};
  ASSERT_TRUE(store_holder(state, holder));
  ASSERT_TRUE(store_holder(state, any));
  auto loaded = load_holders(state);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 2u);
  for (const auto& one : *loaded)
    EXPECT_EQ(one.verified, one.key == holder.key ? holder.verified : images::Reference());
  struct stat st {};
  ASSERT_EQ(::stat((state + "/sockets/" + holder.key).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
  ASSERT_TRUE(remove_holder(state, holder.key));
  EXPECT_EQ(load_holders(state)->size(), 1u);
}

TEST(GuardSockets, Keys) {
  EXPECT_NE(new_key(), new_key());
  EXPECT_EQ(key_of("/s", socket_path("/s", std::string(32, 'a'))), std::string(32, 'a'));
  for (std::string_view path : {"/s/sockets/../docker.sock", "/s/sockets/aa/docker.sock", "/s/sockets/docker.sock", "/s",
                                "/t/sockets/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/docker.sock"})
    EXPECT_FALSE(key_of("/s", path)) << path;
}

}  // namespace
}  // namespace bulkhead::guard
