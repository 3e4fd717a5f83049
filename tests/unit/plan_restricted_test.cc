// R4: bind sources judged as objects. Every test is one spelling or one way round.
#include <gmock/gmock.h>

#include "fake_host.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::FakeHost;
using Kind = Source::Kind;

constexpr Access kWritable{.writable = true, .writable_below = true};
constexpr Access kReadonly{.writable = false, .writable_below = false};
constexpr Access kReadonlyAtTop{.writable = false, .writable_below = true};

std::string message_of(std::string_view path) {
  return "error in the container spec: can't mount " + std::string(path) +
         " because it's configured as a restricted host mount";
}

class Restricted : public ::testing::Test {
 protected:
  Result<std::vector<std::string>> judge(const std::string& path, Access access = kWritable,
                                         bool recursive = true) {
    return judge_source(host.source(path, recursive), access, policy, host.facts(policy));
  }
  std::string refusal(const std::string& path, Access access = kWritable) {
    auto judged = judge(path, access);
    return judged ? "allowed" : judged.error().message;
  }
  bool allowed(const std::string& path, Access access = kWritable) {
    return judge(path, access).has_value();
  }

  FakeHost host;
  policy::Policy policy = policy::default_policy();
};

TEST_F(Restricted, MessageOfTheSpecification) {
  host.file("/etc/docker/daemon.json");
  EXPECT_EQ(refusal("/etc/docker/daemon.json"), message_of("/etc/docker/daemon.json"));
}

TEST_F(Restricted, ThePathItselfAndWhatLiesInIt) {
  for (const char* path : {"/etc/docker", "/var/lib/docker", "/var/lib/docker/overlay2/a/diff",
                           "/boot", "/boot/grub", "/run/containerd/containerd.sock", "/run/bulkhead",
                           "/etc/shadow", "/etc/bulkhead/admin-settings.json"})
    EXPECT_EQ(refusal(path), message_of(path));
}

TEST_F(Restricted, NeighboursWithTheSamePrefixAreFree) {
  for (const char* path : {"/etc/docker2", "/boot-backup", "/var/lib/dockerfiles", "/home/u", "/tmp",
                           "/srv/project", "/root", "/opt/app", "/mnt"})
    EXPECT_TRUE(allowed(path)) << path << ": " << refusal(path);
}

TEST_F(Restricted, SymbolicLinkIsTheObjectItLeadsTo) {
  host.symlink("/home/u/innocent", "/etc/docker");
  EXPECT_EQ(refusal("/home/u/innocent"), message_of("/home/u/innocent"));
  EXPECT_EQ(refusal("/home/u/innocent/daemon.json"), message_of("/home/u/innocent/daemon.json"));
  host.symlink("/home/u/far", "/home/u/innocent");
  EXPECT_EQ(refusal("/home/u/far"), message_of("/home/u/far"));
}

TEST_F(Restricted, DotsAndSlashes) {
  for (const char* path : {"/home/../etc/docker", "//etc///docker/", "/etc/./docker/.", "/home/u/../../etc/shadow"})
    EXPECT_EQ(refusal(path), message_of(path));
}

TEST_F(Restricted, ConfiguredPathThatIsASymbolicLinkItself) {
  host.symlink("/var/lib/docker", "/data/docker");
  EXPECT_EQ(refusal("/data/docker"), message_of("/data/docker"));
  EXPECT_EQ(refusal("/data/docker/overlay2"), message_of("/data/docker/overlay2"));
  EXPECT_THAT(refusal("/data"), HasSubstr("it contains /var/lib/docker"));
  // Exceptions are spelled through the configured path, wherever it leads.
  EXPECT_TRUE(allowed("/data/docker/volumes/v/_data"));
  EXPECT_TRUE(allowed("/var/lib/docker/volumes/v/_data"));
}

TEST_F(Restricted, BindAliasIsTheSamePlace) {
  host.mount("/mnt/alias", 0x801, "ext4", "/etc");
  EXPECT_EQ(refusal("/mnt/alias/docker"), message_of("/mnt/alias/docker"));
  EXPECT_THAT(refusal("/mnt/alias"), HasSubstr("it contains /etc/"));
  host.mount("/mnt/deep", 0x801, "ext4", "/var/lib/docker/overlay2");
  EXPECT_EQ(refusal("/mnt/deep"), message_of("/mnt/deep"));
}

TEST_F(Restricted, OtherFileSystemWithTheSamePathIsFree) {
  host.mount("/mnt/disk", 0x811, "ext4");
  EXPECT_TRUE(allowed("/mnt/disk/etc/docker"));
  EXPECT_TRUE(allowed("/mnt/disk"));
}

// The inode is the restricted one, the place another, with a shorter and with a longer path.
TEST_F(Restricted, HardLinkOfARestrictedFile) {
  host.file("/etc/shadow");
  host.hard_link("/x", "/etc/shadow");
  host.hard_link("/home/somebody/project/link", "/etc/shadow");
  EXPECT_EQ(refusal("/x"), message_of("/x"));
  EXPECT_EQ(refusal("/home/somebody/project/link"), message_of("/home/somebody/project/link"));
}

TEST_F(Restricted, HardLinkFoundInARestrictedDirectory) {
  Source source = host.source("/home/u/link");
  source.kind = Kind::kFile;
  source.hard_link_of = "/etc/ssh";
  auto judged = judge_source(source, kReadonly, policy, host.facts(policy));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().message, message_of("/home/u/link") + " (it is a hard link of /etc/ssh)");
}

TEST_F(Restricted, EngineSocketUnderAnyName) {
  Source source = host.source("/srv/app.sock");
  source.kind = Kind::kSocket;
  EXPECT_TRUE(judge_source(source, kWritable, policy, host.facts(policy)));
  source.engine_socket_of = "dockerd";
  auto judged = judge_source(source, kReadonly, policy, host.facts(policy));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().message, message_of("/srv/app.sock") + " (it is the socket of dockerd)");
}

// The guard's sockets for containers, and only where it keeps them.
TEST_F(Restricted, SocketsThatTheGuardHandsOut) {
  auto judged = [this](const std::string& path, std::string_view engine) {
    Source source = host.source(path);
    source.kind = Kind::kSocket;
    source.engine_socket_of = engine;
    return judge_source(source, kWritable, policy, host.facts(policy)).has_value();
  };
  std::string handed_out = "/var/lib/bulkhead/guard/sockets/0123456789abcdef0123456789abcdef/docker.sock";
  EXPECT_TRUE(judged(handed_out, "bulkhead-guard"));
  EXPECT_TRUE(judged(handed_out, ""));  // the worker that made it has been replaced
  EXPECT_FALSE(judged(handed_out, "dockerd"));
  EXPECT_FALSE(judged("/srv/docker.sock", "bulkhead-guard"));
  EXPECT_FALSE(judged("/var/lib/bulkhead/guard/sockets/docker.sock", "bulkhead-guard"));
}

TEST_F(Restricted, ParentsAreRefused) {
  EXPECT_THAT(refusal("/"), HasSubstr("restricted host mount (it contains "));
  EXPECT_THAT(refusal("/etc"), HasSubstr("(it contains /etc/docker)"));
  EXPECT_THAT(refusal("/var"), HasSubstr("(it contains /var/lib/docker)"));
  EXPECT_THAT(refusal("/run"), HasSubstr("(it contains /run/"));
  EXPECT_FALSE(allowed("/", kReadonly));
  EXPECT_FALSE(allowed("/etc", kReadonly));
  EXPECT_FALSE(judge("/etc", kWritable, false)) << "a bind that is not recursive shows them too";
}

TEST_F(Restricted, WhatIsNotThereYetCannotBeMadeThroughAParent) {
  host.missing("/etc/docker");
  EXPECT_THAT(refusal("/etc"), HasSubstr("it contains /etc/docker"));
}

TEST_F(Restricted, ReadOnlyScope) {
  EXPECT_FALSE(allowed("/usr/bin"));
  EXPECT_FALSE(allowed("/etc/passwd"));
  EXPECT_FALSE(allowed("/etc/cron.d"));
  EXPECT_TRUE(allowed("/usr/bin", kReadonly));
  EXPECT_TRUE(allowed("/etc/passwd", kReadonly));
  EXPECT_TRUE(allowed("/lib/modules", kReadonly));
  EXPECT_FALSE(allowed("/etc/shadow", kReadonly)) << "secrets are never readable";
}

TEST_F(Restricted, MountsBelow) {
  host.mount("/home/u/engine", 0x801, "ext4", "/var/lib/docker");
  EXPECT_THAT(refusal("/home/u"), HasSubstr("(it contains /home/u/engine)"));
  EXPECT_TRUE(judge("/home/u", kWritable, false)) << "not shown by a bind that is not recursive";
  host.mount("/srv/chroot/proc", 4, "proc");
  EXPECT_THAT(refusal("/srv/chroot", kReadonly), HasSubstr("(it contains /srv/chroot/proc)"));
  host.mount("/mnt/outer", 0x801, "ext4", "/etc");
  EXPECT_THAT(refusal("/mnt"), HasSubstr("it contains /etc/docker"));
}

// "ro" makes the mount itself read-only, what is mounted below stays writable.
TEST_F(Restricted, MountsBelowAReadOnlyBindAreWritable) {
  host.mount("/srv/tree/programs", 0x801, "ext4", "/usr/bin");
  EXPECT_TRUE(allowed("/srv/tree", kReadonly));
  EXPECT_FALSE(allowed("/srv/tree", kReadonlyAtTop));
}

TEST_F(Restricted, KernelInterfaces) {
  for (const char* path : {"/proc", "/proc/sysrq-trigger", "/sys", "/sys/fs/cgroup", "/dev"})
    EXPECT_EQ(refusal(path, kReadonly), message_of(path));
  host.mount("/mnt/debug", 9, "debugfs");
  host.mount("/mnt/cg", 10, "cgroup2");
  EXPECT_EQ(refusal("/mnt/debug", kReadonly), message_of("/mnt/debug"));
  EXPECT_EQ(refusal("/mnt/cg/user.slice", kReadonly), message_of("/mnt/cg/user.slice"));
  host.mount("/dev/shm", 11, "tmpfs");
  EXPECT_TRUE(allowed("/dev/shm"));
}

TEST_F(Restricted, DeviceNodes) {
  host.node("/dev/sda", Kind::kBlockDevice, 8, 0);
  host.node("/dev/mem", Kind::kCharDevice, 1, 1);
  host.node("/dev/null", Kind::kCharDevice, 1, 3);
  host.node("/dev/kvm", Kind::kCharDevice, 10, 232);
  EXPECT_EQ(refusal("/dev/sda"), message_of("/dev/sda"));
  EXPECT_EQ(refusal("/dev/mem", kReadonly), message_of("/dev/mem"));
  EXPECT_TRUE(allowed("/dev/null"));
  EXPECT_TRUE(allowed("/dev/kvm")) << "on the allow-list";
}

// An image may hold a node of the host's disk: it lies in the engine's layers, and is copied to
// volumes. What may be bound there must not make a node of it usable.
TEST_F(Restricted, DeviceNodesInVolumesAndLayers) {
  for (const char* path : {"/var/lib/docker/volumes/v/_data/sda", "/var/lib/docker/overlay2/l/diff/sda",
                           "/var/lib/docker/containers/c/mounts/sda", "/srv/sda"}) {
    host.node(path, Kind::kBlockDevice, 8, 0);
    EXPECT_EQ(refusal(path), message_of(path));
  }
}

TEST_F(Restricted, WhatEnginesMount) {
  for (const char* path :
       {"/var/lib/docker/containers/c/hosts", "/var/lib/docker/containers/c/resolv.conf",
        "/var/lib/docker/containers/c/hostname", "/var/lib/docker/containers/c/mounts/shm",
        "/var/lib/docker/volumes/v/_data", "/var/lib/docker/volumes/v/_data/deep/er",
        "/var/lib/containers/storage/volumes/v/_data"})
    EXPECT_TRUE(allowed(path)) << refusal(path);
  for (const char* path :
       {"/var/lib/docker/containers/c", "/var/lib/docker/containers/c/config.v2.json",
        "/var/lib/docker/volumes", "/var/lib/docker/volumes/v", "/var/lib/docker/volumes/metadata.db"})
    EXPECT_EQ(refusal(path), message_of(path));
}

TEST_F(Restricted, BundleScopedExceptions) {
  const char* layer = "/var/lib/docker/overlay2/l/diff";
  EXPECT_FALSE(allowed(layer));
  Facts facts = host.facts(policy);
  facts.bundle = "/var/lib/docker/buildkit/executor/abc";
  EXPECT_TRUE(judge_source(host.source(layer), kWritable, policy, facts));
  host.node("/var/lib/docker/overlay2/l/diff/sda", Kind::kBlockDevice, 8, 0);
  EXPECT_FALSE(judge_source(host.source("/var/lib/docker/overlay2/l/diff/sda"), kWritable, policy, facts));
}

class Masked : public Restricted {
 protected:
  Masked() { policy.parents = policy::Parents::kMask; }
};

TEST_F(Masked, ReadOnlyParent) {
  auto masks = judge("/etc/ssh/..", kReadonly);
  ASSERT_TRUE(masks) << masks.error().message;
  EXPECT_THAT(*masks, ::testing::IsSupersetOf({"/docker", "/shadow", "/ssh", "/bulkhead"}));
  EXPECT_THAT(*masks, ::testing::Not(::testing::Contains("/passwd")));
}

TEST_F(Masked, TheThingItselfIsStillRefused) {
  EXPECT_EQ(refusal("/etc/docker", kReadonly), message_of("/etc/docker"));
}

TEST_F(Masked, NestedMountsReadOnly) {
  policy.restricted = {{"/data/secret", "test"}};
  policy.exceptions.clear();
  host.mount("/srv/a/b", 0x801, "ext4", "/data");
  host.mount("/srv/a/proc", 4, "proc");
  auto masks = judge("/srv", kReadonly);
  ASSERT_TRUE(masks) << masks.error().message;
  EXPECT_THAT(*masks, ElementsAre("/a/b/secret", "/a/proc"));
}

TEST_F(Masked, WritableParentOfWhatIsThere) {
  policy.restricted = {{"/data/secret", "test"}};
  auto masks = judge("/data");
  ASSERT_TRUE(masks) << masks.error().message;
  EXPECT_THAT(*masks, ElementsAre("/secret"));
}

TEST_F(Masked, WritableParentOfWhatCouldBeMade) {
  policy.restricted = {{"/data/secret", "test"}};
  host.missing("/data/secret");
  EXPECT_THAT(refusal("/data"), HasSubstr("it contains /data/secret, which no mask protects"));
  EXPECT_TRUE(allowed("/data", kReadonly));
}

TEST_F(Masked, WritableGrandparentCouldRenameTheWay) {
  policy.restricted = {{"/data/a/secret", "test"}};
  EXPECT_THAT(refusal("/data"), HasSubstr("it contains /data/a/secret, which no mask protects"));
  EXPECT_TRUE(allowed("/data", kReadonly));
}

TEST_F(Masked, RootAtSlash) {
  policy.restricted = {{"/data/secret", "test"}};
  auto masks = judge("/", kReadonly, false);
  ASSERT_TRUE(masks) << masks.error().message;
  EXPECT_THAT(*masks, ElementsAre("/data/secret"));
  EXPECT_THAT(*judge("/srv", kReadonly), IsEmpty());
}

}  // namespace
}  // namespace bulkhead::plan
