// R11: which nodes a container gets and what its cgroup lets it open.
#include <gmock/gmock.h>

#include "base/strings.h"
#include "fake_host.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::FakeHost;
using Kind = Source::Kind;

class Devices : public ::testing::Test {
 protected:
  Devices() {
    host.node("/dev/fuse", Kind::kCharDevice, 10, 229);
    host.node("/dev/net/tun", Kind::kCharDevice, 10, 200);
    host.node("/dev/kvm", Kind::kCharDevice, 10, 232);
    host.node("/dev/sda", Kind::kBlockDevice, 8, 0);
    host.node("/dev/mem", Kind::kCharDevice, 1, 1);
  }

  void list(const char* path, char type, int major, int minor) {
    spec.linux_.devices.push_back({path, type, major, minor});
  }
  void allow_all() {
    spec.linux_.resources.emplace().devices.push_back({.allow = true, .type = 'a', .access = "rwm"});
  }

  // "path type major:minor" of the nodes that are made; the error's text.
  std::vector<std::string> nodes() {
    plan = {};
    auto done = plan_devices(spec, policy, host.facts(policy, spec), plan);
    if (!done) return {done.error().message};
    std::vector<std::string> out;
    for (const auto& step : plan.steps)
      if (const auto* node = std::get_if<MakeNode>(&step))
        out.push_back(cat(node->path, " ", std::string(1, node->type), " ", node->major, ":", node->minor));
    return out;
  }
  std::vector<std::string> rules() {
    std::vector<std::string> out;
    for (const auto& r : plan.device_rules)
      out.push_back(cat(r.allow ? "+" : "-", std::string(1, r.type), " ", r.major ? cat(*r.major) : "*", ":",
                        r.minor ? cat(*r.minor) : "*", " ", r.access));
    return out;
  }

  FakeHost host;
  policy::Policy policy = policy::default_policy();
  spec::Spec spec;
  Plan plan;
};

TEST_F(Devices, StandardOnes) {
  EXPECT_THAT(nodes(), ElementsAre("/dev/null c 1:3", "/dev/zero c 1:5", "/dev/full c 1:7",
                                   "/dev/random c 1:8", "/dev/urandom c 1:9", "/dev/tty c 5:0"));
  EXPECT_THAT(rules(), ElementsAre("-a *:* rwm", "+c *:* m", "+b *:* m", "+c 1:3 rwm", "+c 1:5 rwm",
                                   "+c 1:7 rwm", "+c 1:8 rwm", "+c 1:9 rwm", "+c 5:0 rwm",
                                   "+c 5:1 rwm", "+c 5:2 rwm", "+c 136:* rwm"));
}

TEST_F(Devices, TheEnginesRulesAreNotCopied) {
  allow_all();
  spec.linux_.resources->devices.push_back({.allow = true, .type = 'b', .major = 8, .access = "rwm"});
  nodes();
  EXPECT_THAT(rules(), Not(Contains(HasSubstr("+a"))));
  EXPECT_THAT(rules(), Not(Contains(HasSubstr("b 8:"))));
}

TEST_F(Devices, AllowListed) {
  list("/dev/kvm", 'c', 10, 232);
  EXPECT_THAT(nodes(), Contains("/dev/kvm c 10:232"));
  EXPECT_THAT(rules(), Contains("+c 10:232 rwm"));
}

TEST_F(Devices, AllowListedUnderAnotherName) {
  list("/dev/my-fuse", 'c', 10, 229);
  EXPECT_THAT(nodes(), Contains("/dev/my-fuse c 10:229"));
}

TEST_F(Devices, NotAllowed) {
  list("/dev/sda", 'b', 8, 0);
  EXPECT_THAT(nodes(), ElementsAre("error in the container spec: device /dev/sda is not allowed; if you "
                                   "wish to allow it, add it to bulkhead.devices.allow in the settings file"));
}

// "--device /dev/sda:/dev/fuse": the path in the container is what its user chose.
TEST_F(Devices, DiskUnderAnAllowedName) {
  list("/dev/fuse", 'b', 8, 0);
  EXPECT_THAT(nodes(), ElementsAre(HasSubstr("device /dev/sda is not allowed")));
  spec.linux_.devices = {{"/dev/fuse", 'c', 1, 1}};
  EXPECT_THAT(nodes(), ElementsAre(HasSubstr("device /dev/mem is not allowed")));
  spec.linux_.devices = {{"/dev/fuse", 'c', 99, 1}};
  EXPECT_THAT(nodes(), ElementsAre(HasSubstr("device /dev/fuse is not allowed"))) << "not on this host";
}

TEST_F(Devices, PrivilegedDiskUnderAnAllowedName) {
  allow_all();
  list("/dev/fuse", 'b', 8, 0);
  list("/dev/net/tun", 'c', 1, 1);
  EXPECT_THAT(nodes(), ::testing::SizeIs(6)) << "the standard ones only";
  EXPECT_THAT(rules(), ::testing::SizeIs(12));
}

TEST_F(Devices, Privileged) {
  allow_all();
  list("/dev/sda", 'b', 8, 0);
  list("/dev/mem", 'c', 1, 1);
  list("/dev/kvm", 'c', 10, 232);
  list("/dev/fuse", 'c', 10, 229);
  list("/dev/net/tun", 'c', 10, 200);
  auto made = nodes();
  EXPECT_EQ(made.size(), 8u);
  EXPECT_THAT(made, Contains("/dev/fuse c 10:229"));
  EXPECT_THAT(made, Contains("/dev/net/tun c 10:200"));
}

TEST_F(Devices, FifosAndCopiesOfStandardNodes) {
  list("/run/pipe", 'p', 0, 0);
  list("/dev/mynull", 'c', 1, 3);
  EXPECT_THAT(nodes(), ::testing::IsSupersetOf({"/run/pipe p 0:0", "/dev/mynull c 1:3"}));
}

TEST_F(Devices, BoundNodesMayBeOpened) {
  spec.mounts.push_back({.destination = "/dev/kvm", .type = "bind", .source = "/dev/kvm", .options = {"bind"}});
  Facts facts = host.facts(policy, spec);
  ASSERT_TRUE(plan_mounts(spec, policy, facts, plan));
  ASSERT_TRUE(plan_devices(spec, policy, facts, plan));
  EXPECT_THAT(rules(), Contains("+c 10:232 rwm"));
}

TEST_F(Devices, ConsoleOnlyWithATerminal) {
  auto has_console = [this] {
    nodes();
    return std::ranges::any_of(plan.steps, [](const auto& s) { return std::holds_alternative<MakeConsole>(s); });
  };
  EXPECT_FALSE(has_console());
  spec.process.emplace().terminal = true;
  EXPECT_TRUE(has_console());
}

}  // namespace
}  // namespace bulkhead::plan
