// Mount options, destinations and the lexical paths.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include "fake_host.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

MountFlags decoded(const std::vector<std::string>& options) {
  auto flags = decode_options(options);
  EXPECT_TRUE(flags);
  return *flags;
}

struct Case {
  const char* option;
  std::uint64_t set, clear;
};
constexpr Case kCases[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"relatime", 0, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
};

TEST(MountOptions, EachOfThem) {
  for (const auto& c : kCases) {
    MountFlags plain = decoded({c.option}), all = decoded({std::string("r") + c.option});
    EXPECT_EQ(plain.set, c.set) << c.option;
    EXPECT_EQ(plain.clear, c.clear) << c.option;
    EXPECT_EQ(plain.recursive_set | plain.recursive_clear, 0u) << c.option;
    EXPECT_EQ(all.recursive_set, c.set) << c.option;
    EXPECT_EQ(all.recursive_clear, c.clear) << c.option;
    EXPECT_EQ(all.set | all.clear, 0u) << c.option;
    EXPECT_THAT(plain.data, IsEmpty()) << c.option;
    EXPECT_THAT(all.data, IsEmpty()) << c.option;
  }
}

TEST(MountOptions, TheTableAboveIsWhole) {
  std::size_t attributes = 0;
  for (const auto& name : known_mount_options()) {
    MountFlags flags = decoded({name});
    attributes += (flags.set | flags.clear | flags.recursive_set | flags.recursive_clear) != 0;
    EXPECT_THAT(flags.data, IsEmpty()) << name << " is known, so it is no data for the file system";
  }
  EXPECT_EQ(attributes, 2 * std::size(kCases));
}

TEST(MountOptions, TheLastOneCounts) {
  EXPECT_EQ(decoded({"ro", "rw"}).set, 0u);
  EXPECT_EQ(decoded({"ro", "rw"}).clear, std::uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_EQ(decoded({"rw", "ro"}).set, std::uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_EQ(decoded({"rw", "ro"}).clear, 0u);
}

// The access time mode is a field of three values: the kernel refuses two of them at once.
TEST(MountOptions, AtimeIsOneField) {
  MountFlags flags = decoded({"noatime", "strictatime"});
  EXPECT_EQ(flags.set & MOUNT_ATTR__ATIME, std::uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(flags.clear, std::uint64_t{MOUNT_ATTR__ATIME});
  flags = decoded({"strictatime", "relatime"});
  EXPECT_EQ(flags.set, 0u);
  flags = decoded({"nodiratime", "noatime"});
  EXPECT_EQ(flags.set, std::uint64_t{MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOATIME});
}

TEST(MountOptions, Propagation) {
  struct {
    const char* name;
    std::uint64_t flag;
  } cases[] = {{"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};
  for (const auto& c : cases) {
    EXPECT_EQ(decoded({c.name}).propagation, c.flag);
    EXPECT_FALSE(decoded({c.name}).propagation_recursive);
    EXPECT_EQ(decoded({std::string("r") + c.name}).propagation, c.flag);
    EXPECT_TRUE(decoded({std::string("r") + c.name}).propagation_recursive);
  }
}

TEST(MountOptions, BindAndTheRest) {
  EXPECT_TRUE(decoded({"bind"}).bind);
  EXPECT_FALSE(decoded({"bind"}).recursive);
  EXPECT_TRUE(decoded({"rbind"}).bind && decoded({"rbind"}).recursive);
  EXPECT_TRUE(decoded({"tmpcopyup"}).copy_up);
  EXPECT_THAT(decoded({"idmap", "ridmap", "defaults", "z", "x-mount.mkdir", "X-a=b"}).data, IsEmpty());
  EXPECT_THAT(decoded({"size=64k", "mode=1777", "huge", "a=b=c", "empty="}).data,
              ElementsAre(Pair("size", "64k"), Pair("mode", "1777"), Pair("huge", ""), Pair("a", "b=c"),
                          Pair("empty", "")));
}

TEST(Paths, Clean) {
  EXPECT_EQ(clean_path(""), "/");
  EXPECT_EQ(clean_path("/"), "/");
  EXPECT_EQ(clean_path("a"), "/a");
  EXPECT_EQ(clean_path("//a///b/"), "/a/b");
  EXPECT_EQ(clean_path("/a/./b/."), "/a/b");
  EXPECT_EQ(clean_path("/a/../b"), "/b");
  EXPECT_EQ(clean_path("/../../a"), "/a");
  EXPECT_EQ(clean_path("/a/.."), "/");
  EXPECT_EQ(clean_path("/a/...b/..c"), "/a/...b/..c");
}

TEST(Paths, Within) {
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_TRUE(is_within("/", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
}

class Mounts : public ::testing::Test {
 protected:
  std::string error(spec::Mount mount) {
    spec.mounts = {std::move(mount)};
    plan = {};
    auto done = plan_mounts(spec, policy, host.facts(policy, spec), plan);
    return done ? "planned" : done.error().message;
  }
  testing::FakeHost host;
  policy::Policy policy = policy::default_policy();
  spec::Spec spec;
  Plan plan;
};

TEST_F(Mounts, OverProc) {
  auto over = [this](const char* where, const char* type, std::vector<std::string> options) {
    return error({.destination = where, .type = type, .source = "/srv/x", .options = std::move(options)});
  };
  EXPECT_EQ(over("/proc", "proc", {}), "planned");
  EXPECT_EQ(over("/proc/../proc/.", "proc", {}), "planned");
  EXPECT_THAT(over("/proc", "tmpfs", {}), HasSubstr("/proc must be of type proc, not tmpfs"));
  EXPECT_THAT(over("/proc", "bind", {}), HasSubstr("/proc must be of type proc, not a bind"));
  EXPECT_THAT(over("/proc", "proc", {"rbind"}), HasSubstr("/proc must be of type proc, not a bind"));
  EXPECT_EQ(over("/proc/meminfo", "bind", {"rbind"}), "planned");
  EXPECT_THAT(over("/proc/meminfo", "tmpfs", {}), HasSubstr("inside /proc"));
  for (const char* where : {"/proc/self/attr", "/proc/sys", "/proc/x/../sysrq-trigger", "//proc//1"})
    EXPECT_THAT(over(where, "bind", {"rbind"}), HasSubstr("cannot be mounted because it is inside /proc")) << where;
  EXPECT_EQ(over("/procfs", "bind", {"rbind"}), "planned");
}

TEST_F(Mounts, Destinations) {
  EXPECT_THAT(error({.destination = "/", .type = "tmpfs"}), HasSubstr("destination / would hide the root"));
  EXPECT_THAT(error({.destination = "/a/..", .type = "tmpfs"}), HasSubstr("destination / would hide"));
  EXPECT_THAT(error({.destination = "/x", .type = "ext4"}), HasSubstr("type \"ext4\" of /x is not supported"));
  EXPECT_THAT(error({.destination = "/x", .type = "overlay"}), HasSubstr("not supported"));
  EXPECT_EQ(error({.destination = "/x/../y", .type = "tmpfs"}), "planned");
  EXPECT_EQ(std::get<MountFileSystem>(plan.steps.at(0)).target, "/y");
}

TEST_F(Mounts, Binds) {
  EXPECT_EQ(error({.destination = "/x", .type = "bind", .source = "/srv/x", .options = {"rbind", "ro"}}), "planned");
  const auto& bind = std::get<MountBind>(plan.steps.at(0));
  EXPECT_TRUE(bind.idmapped && bind.is_directory && bind.flags.recursive && !bind.into_proc);
  host.file("/srv/f");
  EXPECT_EQ(error({.destination = "/f", .type = "none", .source = "/srv/f", .options = {"bind"}}), "planned");
  EXPECT_FALSE(std::get<MountBind>(plan.steps.at(0)).is_directory);
}

TEST_F(Mounts, WhereTheEngineMapsOnlyWhatAsksForIt) {
  spec.linux_.uid_mappings = spec.linux_.gid_mappings = {{0, 700000, 65536}};
  spec::Mount mount{.destination = "/x", .type = "bind", .source = "/srv/x", .options = {"rbind"}};
  EXPECT_EQ(error(mount), "planned");
  EXPECT_FALSE(std::get<MountBind>(plan.steps.at(0)).idmapped || std::get<MountBind>(plan.steps.at(0)).is_node);
  mount.options.push_back("idmap");
  EXPECT_EQ(error(mount), "planned");
  EXPECT_TRUE(std::get<MountBind>(plan.steps.at(0)).idmapped);
}

TEST_F(Mounts, ReadOnlyIsJudgedAsTheKernelApplies) {
  auto bind = [this](std::vector<std::string> options) {
    options.push_back("rbind");
    return error({.destination = "/x", .type = "bind", .source = "/srv/tree", .options = std::move(options)});
  };
  host.mount("/srv/tree/programs", 0x801, "ext4", "/usr/bin");
  EXPECT_THAT(bind({"ro"}), HasSubstr("restricted host mount (it contains /srv/tree/programs)"));
  EXPECT_THAT(bind({"ro", "rw"}), HasSubstr("restricted host mount"));
  EXPECT_EQ(bind({"rro"}), "planned");
  EXPECT_EQ(bind({"ro", "rro"}), "planned");
}

TEST_F(Mounts, MasksFollowTheirBind) {
  policy.parents = policy::Parents::kMask;
  policy.restricted = {{"/data/secret", "test"}};
  EXPECT_EQ(error({.destination = "/x", .type = "bind", .source = "/data", .options = {"rbind"}}), "planned");
  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_EQ(std::get<MaskPath>(plan.steps[1]).path, "/x/secret");
}

TEST_F(Mounts, TooMany) {
  spec.mounts.assign(5000, {.destination = "/x", .type = "tmpfs"});
  EXPECT_THAT(plan_mounts(spec, policy, {}, plan).error().message, HasSubstr("mounts: more than 4096"));
}

TEST_F(Mounts, BindWithoutFactsIsRefused) {
  spec.mounts = {{.destination = "/x", .type = "bind", .source = "/srv"}};
  EXPECT_THAT(plan_mounts(spec, policy, {}, plan).error().message, HasSubstr("no source for /x"));
}

}  // namespace
}  // namespace bulkhead::plan
