// POST /containers/create by the classes of ways to the host.
#include "guard_world.h"

namespace bulkhead::guard {
namespace {

TEST(GuardCreate, TheRuntimeIsOurs) {
  World world;
  for (std::string_view asked : {R"("Runtime":"runc")", R"("Runtime":"io.containerd.runc.v2")", R"("runtime":"RUNC")",
                                 R"("Runtime":"")", R"("Runtime":null)", ""}) {
    EXPECT_EQ(world.create(asked), "") << asked;
    EXPECT_EQ(world.forwarded(), R"({"Image":"busybox","HostConfig":{"Runtime":"bulkhead"}})");
  }
  EXPECT_EQ(world.judge("POST", "/containers/create", R"({"Image":"a"})"), "");
  EXPECT_EQ(world.forwarded(), R"({"Image":"a","HostConfig":{"Runtime":"bulkhead"}})");
  EXPECT_EQ(world.judge("POST", "/containers/create"), "");
}

TEST(GuardCreate, UserNamespaceOfTheHostIsIgnored) {
  World world;
  EXPECT_EQ(world.create(R"("UsernsMode":"host")"), "");
  EXPECT_EQ(world.forwarded(), R"({"Image":"busybox","HostConfig":{"Runtime":"bulkhead"}})");
}

TEST(GuardCreate, NamespacesOfTheHostAreRefused) {
  World world;
  world.engine["/networks/0123abc"] = R"({"Name":"host","Driver":"host"})";
  for (std::string_view mode : {R"("PidMode":"host")", R"("IpcMode":"host")", R"("UTSMode":"host")",
                                R"("NetworkMode":"host")", R"("NetworkMode":"0123abc")", R"("pidmode":"host")"})
    EXPECT_EQ(world.create(mode), "host-namespace") << mode;
  EXPECT_EQ(world.judge("POST", "/containers/create",
                        R"({"NetworkingConfig":{"EndpointsConfig":{"bridge":null,"host":{}}}})"), "host-namespace");
  EXPECT_EQ(world.create(R"("PidMode":"host")"), "host-namespace");
  EXPECT_EQ(world.message,
            "error in the container spec: invalid or unsupported container spec: bulkhead containers can't share "
            "namespaces [pid] with the host (because they use the linux user-namespace for isolation)");
}

TEST(GuardCreate, NamespacesOfContainersOnlyOfOurs) {
  World world;
  world.engine["/containers/ours/json"] = R"({"HostConfig":{"Runtime":"bulkhead"}})";
  world.engine["/containers/old/json"] = R"({"HostConfig":{"Runtime":"runc"}})";
  EXPECT_EQ(world.create(R"("PidMode":"container:ours","IpcMode":"container:ours")"), "");
  EXPECT_EQ(world.create(R"("PidMode":"container:old")"), "unprotected-container");
  EXPECT_EQ(world.create(R"("NetworkMode":"container:old")"), "unprotected-container");
  EXPECT_EQ(world.create(R"("IpcMode":"container:gone")"), "");  // the engine's to say
}

TEST(GuardCreate, SocketsUnderAnyName) {
  World world;
  world.files.add("/home/u/link", 4, "/run/docker.sock");
  world.files.add("/srv/alias", 3, "/srv/alias");  // a bind of /run elsewhere
  world.files.add("/srv/hard", 4, "/srv/hard");    // a hard link of the socket
  for (std::string_view source : {"/run/docker.sock", "/var/run/docker.sock", "/run", "/var/run", "/", "/home/u/link",
                                  "/srv/alias", "/srv/hard"}) {
    std::string name(source);
    EXPECT_EQ(world.create(R"("Binds":[")" + name + R"(:/x:ro"])"), "socket-mount") << source;
    EXPECT_EQ(world.create(R"("Mounts":[{"Type":"bind","Source":")" + name + R"(","Target":"/x"}])"), "socket-mount")
        << source;
    EXPECT_EQ(world.create(R"("Mounts":[{"Type":"volume","Source":"v","VolumeOptions":{"DriverConfig":{"Name":"local",)"
                           R"("Options":{"type":"none","o":"bind","device":")" + name + R"("}}}}])"), "socket-mount");
    world.engine["/volumes/evil"] = R"({"Driver":"local","Options":{"o":"rbind","device":")" + name + R"("}})";
    EXPECT_EQ(world.create(R"("Binds":["evil:/x"])"), "socket-mount") << source;
    EXPECT_EQ(world.create(R"("Mounts":[{"Type":"volume","Source":"evil"}])"), "socket-mount") << source;
    world.engine["/containers/holder/json"] =
        R"({"Mounts":[{"Type":"bind","Source":")" + name + R"(","RW":true}]})";
    EXPECT_EQ(world.create(R"("VolumesFrom":["holder:ro"])"), "socket-mount") << source;
  }
  EXPECT_TRUE(world.message.starts_with("enhanced container isolation: docker socket mount denied for container with "
                                        "image \""));
  EXPECT_NE(world.message.find("image is not in the allowed list"), std::string::npos);
}

TEST(GuardCreate, RestrictedMounts) {
  World world;
  world.files.add("/etc", 7);
  world.files.add("/etc/shadow", 8);
  for (std::string_view bind : {"/etc/docker:/x", "/etc/docker/daemon.json:/x:ro", "/proc:/x", "/etc:/x:ro",
                                "/var/lib/docker:/x", "/etc/docker/new/dir:/x"})
    EXPECT_EQ(world.create(R"("Binds":[")" + std::string(bind) + R"("])"), "restricted-mount") << bind;
  for (std::string_view bind : {"/home/u:/x", "/home/u/project:/x:ro,z", "/tmp:/tmp", "data:/x", "/lib/modules:/m:ro",
                                "/dev/fuse:/dev/fuse"})
    EXPECT_EQ(world.create(R"("Binds":[")" + std::string(bind) + R"("])"), "") << bind << world.message;
  EXPECT_EQ(world.create(R"("Binds":["/etc/docker/daemon.json:/x"])"), "restricted-mount");
  EXPECT_EQ(world.message, "error in the container spec: can't mount /etc/docker/daemon.json because it's configured "
                           "as a restricted host mount");
}

TEST(GuardCreate, VolumesAreNoMountsOfTheHostsRoot) {
  World world;
  auto options = [&](std::string_view text) {
    return world.judge("POST", "/volumes/create", std::string(R"({"Name":"v","DriverOpts":{)").append(text).append("}}"));
  };
  EXPECT_EQ(options(R"("type":"ext4","device":"/dev/sda1")"), "volume-options");
  EXPECT_EQ(options(R"("type":"overlay","o":"lowerdir=/etc,upperdir=/a,workdir=/b","device":"overlay")"), "volume-options");
  EXPECT_EQ(options(R"("type":"proc","device":"proc")"), "volume-options");
  EXPECT_EQ(options(R"("type":"nfs","o":"addr=1.2.3.4,remount","device":":/a")"), "volume-options");
  EXPECT_EQ(options(R"("type":"tmpfs","o":"bind","device":"/etc/docker")"), "restricted-mount");
  EXPECT_EQ(options(R"("type":"none","o":" bind","device":"/etc/docker")"), "restricted-mount");
  EXPECT_EQ(options(R"("o":"bind","device":"/home/u")"), "");
  EXPECT_EQ(options(R"("type":"nfs","o":"addr=1.2.3.4,rw","device":":/a")"), "");
  EXPECT_EQ(options(R"("type":"tmpfs","o":"size=1m","device":"tmpfs")"), "");
  EXPECT_EQ(world.create(R"("Mounts":[{"Type":"npipe","Source":"x"}])"), "mount-type");
  EXPECT_EQ(world.create(R"("Mounts":[{"Type":"cluster","Source":"x"}])"), "mount-type");
}

TEST(GuardCreate, TheEngineIsNoDeputy) {
  World world;
  auto log = [&](std::string_view type, std::string_view options) {
    return world.create(std::string(R"("LogConfig":{"Type":")").append(type).append(R"(","Config":{)").append(options).append("}}"));
  };
  EXPECT_EQ(log("syslog", R"("syslog-address":"unix:///run/x.sock")"), "log-driver");
  EXPECT_EQ(log("fluentd", R"("fluentd-address":"unix:///run/x.sock")"), "log-driver");
  EXPECT_EQ(log("syslog", R"("syslog-tls-ca-cert":"/etc/shadow")"), "log-driver");
  EXPECT_EQ(log("some-plugin", ""), "log-driver");
  EXPECT_EQ(log("json-file", R"("max-size":"10m")"), "");
  EXPECT_EQ(log("syslog", R"("syslog-address":"tcp://logs:514")"), "");
}

TEST(GuardCreate, OrdersToRuntimesAreLeftOut) {
  World world;
  EXPECT_EQ(world.create(R"("Annotations":{"run.oci.hooks":"x","org.systemd.property.A":"b","mine":"c"})"), "");
  EXPECT_EQ(world.forwarded(), R"({"Image":"busybox","HostConfig":{"Annotations":{"mine":"c"},"Runtime":"bulkhead"}})");
  EXPECT_EQ(world.last.notes.size(), 2u);
}

TEST(GuardCreate, CgroupsBelowTheEnginesOwn) {
  World world;
  EXPECT_EQ(world.create(R"("CgroupParent":"/a/../../b")"), "cgroup-parent");
  EXPECT_EQ(world.create(R"("CgroupParent":"/docker/buildx")"), "");
}

TEST(GuardCreate, ManyQuestionsEnd) {
  World world;
  std::string binds;
  for (int i = 0; i < 300; ++i) binds += (i ? ",\"v" : "\"v") + std::to_string(i) + ":/x\"";
  EXPECT_EQ(world.create("\"Binds\":[" + binds + "]"), "malformed");
}

}  // namespace
}  // namespace bulkhead::guard
