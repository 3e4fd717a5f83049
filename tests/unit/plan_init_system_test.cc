// What an init system as the first process gets, and that nothing else does.
#include <gmock/gmock.h>

#include "fake_host.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

spec::Process running(std::vector<std::string> args) {
  spec::Process process;
  process.args = std::move(args);
  process.cwd = "/";
  return process;
}

TEST(InitSystem, IsRecognised) {
  for (const char* program : {"/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "init"})
    EXPECT_TRUE(runs_init_system(running({program, "--log-target=console"}))) << program;
  EXPECT_TRUE(runs_init_system(running({"/usr/local/bin/entrypoint", "/sbin/init"})));
}

TEST(InitSystem, OtherProgramsAreNot) {
  EXPECT_FALSE(runs_init_system(running({})));
  EXPECT_FALSE(runs_init_system(running({"/bin/sh"})));
  EXPECT_FALSE(runs_init_system(running({"ls", "/sbin/init"})));
  EXPECT_FALSE(runs_init_system(running({"/sbin/docker-init", "--", "sh"})));
  EXPECT_FALSE(runs_init_system(running({"/bin/sh", "-c", "exec /sbin/init"})));
}

std::string planned(spec::Process process, std::vector<spec::Mount> mounts = {}) {
  spec::Spec spec;
  spec.root.emplace();
  spec.root->path = "/root";
  spec.process = std::move(process);
  spec.mounts = std::move(mounts);
  for (const char* type : {"pid", "network", "ipc", "uts", "mount"}) spec.linux_.namespaces.push_back({type, ""});
  testing::FakeHost host;
  auto policy = policy::default_policy();
  auto plan = make(spec, policy, host.facts(policy, spec));
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? print(*plan) : "";
}

TEST(InitSystem, GetsRunLockAndItsCgroups) {
  auto text = planned(running({"/sbin/init"}),
                      {{.destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup", .options = {"ro"}}});
  EXPECT_THAT(text, HasSubstr("mount tmpfs /run set=nosuid,nodev mode=755 size=20%\n"));
  EXPECT_THAT(text, HasSubstr("mount tmpfs /run/lock set=nosuid,nodev,noexec mode=1777 size=5m\n"));
  EXPECT_THAT(text, HasSubstr("mount cgroup /sys/fs/cgroup init-writable set=ro\n"));
  EXPECT_THAT(text, HasSubstr("mask /sys/kernel/debug\n"));
  EXPECT_THAT(text, HasSubstr("environment container=oci\n"));
}

TEST(InitSystem, KeepsWhatTheSpecMountsOrSays) {
  auto process = running({"/sbin/init"});
  process.env = {"container=podman"};
  auto text = planned(process, {{.destination = "/run/", .type = "tmpfs", .source = "tmpfs", .options = {}}});
  EXPECT_THAT(text, Not(HasSubstr("size=20%")));
  EXPECT_THAT(text, Not(HasSubstr("environment")));
}

TEST(InitSystem, OthersGetNothing) {
  auto text = planned(running({"sh"}), {{.destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup"}});
  EXPECT_THAT(text, Not(HasSubstr("/run")));
  EXPECT_THAT(text, Not(HasSubstr("environment")));
  EXPECT_THAT(text, Not(HasSubstr("init-writable")));
}

}  // namespace
}  // namespace bulkhead::plan
