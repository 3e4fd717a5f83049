// Golden tests: a real engine's configuration + a policy + a host -> the text of the plan, without
// root, compared with the committed <case>.plan. BULKHEAD_GOLDEN_REWRITE=1 writes them anew: read
// the diff before you commit it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "fake_host.h"
#include "plan/plan.h"
#include "spec/read.h"

namespace bulkhead::plan {
namespace {

using testing::FakeHost;
using Kind = Source::Kind;

struct Inputs {
  FakeHost host;
  spec::Spec spec;
  policy::Policy policy = policy::default_policy();
  Facts facts;  // made after `prepare`, before `adjust`
};

struct Case {
  const char* name;
  const char* config;  // of tests/data/specs
  std::function<void(Inputs&)> prepare = [](Inputs&) {};
  std::function<void(Facts&)> adjust = [](Facts&) {};
};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void bind(Inputs& in, const char* source, const char* target, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"rbind", "rprivate"});
  in.spec.mounts.push_back({.destination = target, .type = "bind", .source = source, .options = options});
}

void engine_files(Inputs& in) {
  for (const auto& mount : in.spec.mounts)
    for (const char* end : {"/hosts", "/hostname", "/resolv.conf", "/.containerenv", "secret"})
      if (mount.source.ends_with(end) || mount.source.find("/buildkit-secrets") != std::string::npos ||
          mount.source.find("/executor/hosts.") != std::string::npos)
        in.host.file(mount.source);
}

void devices(Inputs& in) {
  in.host.node("/dev/fuse", Kind::kCharDevice, 10, 229);
  in.host.node("/dev/net/tun", Kind::kCharDevice, 10, 200);
  in.host.node("/dev/kvm", Kind::kCharDevice, 10, 232);
  in.host.node("/dev/sda", Kind::kBlockDevice, 8, 0);
}

void volumes(Inputs& in) {
  in.host.file("/etc/localtime");
  in.host.mount("/srv/data/disk", 0x811, "ext4");
  bind(in, "/home/u/project", "/work");
  bind(in, "/var/lib/docker/volumes/vol/_data", "/data");
  bind(in, "/srv/data", "/ro", {"ro"});
  bind(in, "/etc/localtime", "/etc/localtime", {"ro"});
  bind(in, "/lib/modules", "/lib/modules", {"ro"});
  in.spec.mounts.push_back({.destination = "/tmp", .type = "tmpfs", .source = "tmpfs",
                            .options = {"noexec", "nosuid", "nodev", "size=64m"}});
  in.spec.process->terminal = true;
  in.spec.root->readonly = true;
}

const Case kCases[] = {
    {"docker", "docker-20.10"},
    {"docker-privileged", "docker-20.10-privileged", devices},
    {"docker-volumes", "docker-20.10", volumes},
    {"docker-device", "docker-20.10",
     [](Inputs& in) {
       devices(in);
       in.spec.linux_.devices.push_back({"/dev/my-fuse", 'c', 10, 229});
     }},
    {"docker-device-disk", "docker-20.10",
     [](Inputs& in) {
       devices(in);
       in.spec.linux_.devices.push_back({"/dev/fuse", 'b', 8, 0});
     }},
    {"docker-network-of-container", "docker-20.10",
     [](Inputs& in) {
       for (auto& ns : in.spec.linux_.namespaces)
         if (ns.type == "network") ns.path = "/proc/42/ns/net";
       in.spec.linux_.sysctl.clear();  // Docker sets none then
     },
     [](Facts& facts) {
       facts.joined.push_back({.type = "network", .path = "/proc/42/ns/net", .of_process = true,
                               .owner = 4026532000, .owner_is_bulkhead = true});
     }},
    {"docker-pid-host", "docker-20.10",
     [](Inputs& in) { std::erase_if(in.spec.linux_.namespaces, [](const auto& ns) { return ns.type == "pid"; }); }},
    {"docker-etc-refused", "docker-20.10", [](Inputs& in) { bind(in, "/etc", "/host-etc"); }},
    {"docker-etc-masked", "docker-20.10",
     [](Inputs& in) {
       in.policy.parents = policy::Parents::kMask;
       bind(in, "/etc", "/host-etc", {"rro"});
     }},
    {"docker-buildkit", "docker-20.10-buildkit", [](Inputs&) {},
     [](Facts& facts) { facts.bundle = "/var/lib/docker/buildkit/executor/4pmejsetb3lpp3a1q2un8y0ye"; }},
    {"containerd-cri", "containerd-cri", [](Inputs&) {},
     [](Facts& facts) {
       facts.root_fs_type = "ext4";
       facts.joined.push_back({.type = "network", .path = "/var/run/netns/cni-1", .owner_is_host = true});
     }},
    {"docker-with-engines", "docker-20.10-privileged", devices,
     [](Facts& facts) { facts.data_directories = {"/var/lib/docker", "/var/lib/containerd"}; }},
    {"docker-systemd", "docker-20.10", [](Inputs& in) { in.spec.process->args = {"/sbin/init"}; }},
    {"podman", "podman-4.3"},
};

std::string plan_text(const Case& test) {
  Inputs in;
  auto spec = spec::read_spec(read_text(std::string(TEST_DATA "/specs/") + test.config + ".json"));
  if (!spec) return "configuration: " + spec.error().message + "\n";
  in.spec = std::move(*spec);
  test.prepare(in);
  engine_files(in);
  in.facts = in.host.facts(in.policy, in.spec);
  test.adjust(in.facts);
  auto plan = make(in.spec, in.policy, in.facts);
  return plan ? print(*plan) : "refused: " + plan.error().message + "\n";
}

class Golden : public ::testing::TestWithParam<Case> {};

TEST_P(Golden, Plan) {
  std::string path = std::string(GOLDEN_DIR "/") + GetParam().name + ".plan";
  std::string made = plan_text(GetParam());
  if (std::getenv("BULKHEAD_GOLDEN_REWRITE")) {
    std::ofstream(path) << made;
    return;
  }
  std::string expected = read_text(path);
  ASSERT_FALSE(expected.empty()) << path << " is missing: run with BULKHEAD_GOLDEN_REWRITE=1";
  EXPECT_EQ(made, expected) << "if this is what is meant, run with BULKHEAD_GOLDEN_REWRITE=1";
}

INSTANTIATE_TEST_SUITE_P(Plans, Golden, ::testing::ValuesIn(kCases), [](const auto& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace bulkhead::plan
