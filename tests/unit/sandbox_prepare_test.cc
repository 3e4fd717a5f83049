// A process description into what system calls take; every bad name is an error that names its field.
#include "sandbox/prepare.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/personality.h>

namespace bulkhead::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

spec::Process process() {
  spec::Process out;
  out.args = {"sh", "-c", "true"};
  out.env = {"PATH=/bin:/usr/bin", "A=b"};
  out.cwd = "/";
  return out;
}

std::string error_of(const spec::Process& process, const std::string& domain = "") {
  auto prepared = prepare(process, domain);
  return prepared ? "prepared" : prepared.error().message;
}

TEST(Prepare, ArgumentsAndEnvironment) {
  auto prepared = prepare(process(), "");
  ASSERT_TRUE(prepared);
  EXPECT_STREQ(prepared->argv[2], "true");
  EXPECT_EQ(prepared->argv[3], nullptr);
  EXPECT_EQ(prepared->path_variable, "/bin:/usr/bin");
  EXPECT_THAT(prepared->env, ElementsAre("PATH=/bin:/usr/bin", "A=b", "HOME=/root"));
  EXPECT_EQ(prepared->envp.size(), 4u);
  EXPECT_EQ(prepared->envp.back(), nullptr);
}

TEST(Prepare, PointersSurviveAMove) {
  auto first = prepare(process(), "");
  Prepared moved = std::move(*first);
  EXPECT_EQ(moved.argv[0], moved.args[0].data());
  EXPECT_EQ(moved.envp[2], moved.env[2].data());
}

TEST(Prepare, Home) {
  auto p = process();
  p.user.uid = 1000;
  EXPECT_THAT(prepare(p, "")->env, ::testing::Contains("HOME=/"));
  p.env.push_back("HOME=/home/u");
  EXPECT_THAT(prepare(p, "")->env, ::testing::Not(::testing::Contains("HOME=/")));
}

TEST(Prepare, TooManyStrings) {
  auto p = process();
  p.args.assign(70000, "x");
  EXPECT_THAT(error_of(p), HasSubstr("process: more than 65536"));
}

TEST(Prepare, Capabilities) {
  auto p = process();
  EXPECT_FALSE(prepare(p, "")->has_capabilities);
  p.capabilities.emplace();
  p.capabilities->bounding = {"CAP_CHOWN", "CAP_SYS_ADMIN"};
  p.capabilities->permitted = {"CAP_CHOWN"};
  p.capabilities->effective = {"CAP_CHOWN", "CAP_SYS_ADMIN"};
  p.capabilities->inheritable = {"CAP_CHOWN"};
  p.capabilities->ambient = {"CAP_CHOWN", "CAP_SYS_ADMIN"};
  auto prepared = prepare(p, "");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const std::uint64_t chown = 1u << CAP_CHOWN, admin = 1u << CAP_SYS_ADMIN;
  EXPECT_EQ(prepared->capabilities.bounding, chown | admin);
  EXPECT_EQ(prepared->capabilities.effective, chown) << "not more than is permitted";
  EXPECT_EQ(prepared->capabilities.ambient, chown);
}

TEST(Prepare, UnknownCapabilityIsAnError) {
  for (const char* name : {"CAP_X", "cap_chown", "CHOWN", "0", "CAP_", "CAP_CHOWN ", ""}) {
    auto p = process();
    p.capabilities.emplace().bounding = {name};
    EXPECT_EQ(error_of(p), std::string("process.capabilities: unknown capability ") + name);
  }
  auto p = process();
  p.capabilities.emplace().ambient = {"CAP_NEW"};
  EXPECT_THAT(error_of(p), HasSubstr("CAP_NEW")) << "in every set";
}

TEST(Prepare, Limits) {
  auto p = process();
  p.rlimits = {{"RLIMIT_NOFILE", 10, 20}, {"RLIMIT_CORE", 0, ~0ull}};
  auto prepared = prepare(p, "");
  ASSERT_TRUE(prepared);
  EXPECT_EQ(prepared->limits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(prepared->limits[0].limit.rlim_cur, 10u);
  EXPECT_EQ(prepared->limits[0].limit.rlim_max, 20u);
  EXPECT_EQ(prepared->limits[1].limit.rlim_max, RLIM_INFINITY);
  p.rlimits = {{"RLIMIT_FOO", 1, 1}};
  EXPECT_THAT(error_of(p), HasSubstr("process.rlimits: unknown value \"RLIMIT_FOO\""));
  p.rlimits = {{"RLIMIT_CPU", 2, 1}};
  EXPECT_THAT(error_of(p), HasSubstr("RLIMIT_CPU: soft limit is above the hard limit"));
  p.rlimits = {{"RLIMIT_CPU", 1, 1}, {"RLIMIT_CPU", 1, 1}};
  EXPECT_THAT(error_of(p), HasSubstr("RLIMIT_CPU twice"));
}

TEST(Prepare, Scheduler) {
  auto p = process();
  p.scheduler = spec::Scheduler{.policy = "SCHED_BATCH", .nice = 5, .flags = {"SCHED_FLAG_RESET_ON_FORK"}};
  auto prepared = prepare(p, "");
  ASSERT_TRUE(prepared);
  EXPECT_EQ(prepared->scheduler->policy, 3u);
  EXPECT_EQ(prepared->scheduler->nice, 5);
  EXPECT_EQ(prepared->scheduler->flags, 1u);
  p.scheduler->policy = "SCHED_FAST";
  EXPECT_THAT(error_of(p), HasSubstr("process.scheduler.policy: unknown value \"SCHED_FAST\""));
  p.scheduler = spec::Scheduler{.policy = "SCHED_OTHER", .flags = {"SCHED_FLAG_X"}};
  EXPECT_THAT(error_of(p), HasSubstr("process.scheduler.flags"));
}

TEST(Prepare, IoPriority) {
  auto p = process();
  p.io_priority = spec::IoPriority{"IOPRIO_CLASS_BE", 4};
  EXPECT_EQ(prepare(p, "")->io_priority, 2 << 13 | 4);
  p.io_priority = spec::IoPriority{"IOPRIO_CLASS_BE", 8};
  EXPECT_THAT(error_of(p), HasSubstr("process.ioPriority.priority: must be 0 to 7"));
  p.io_priority = spec::IoPriority{"IOPRIO_CLASS_NO", 1};
  EXPECT_THAT(error_of(p), HasSubstr("process.ioPriority.class"));
}

TEST(Prepare, Personality) {
  EXPECT_EQ(prepare(process(), "LINUX32")->personality, PER_LINUX32);
  EXPECT_FALSE(prepare(process(), "")->personality);
  EXPECT_THAT(error_of(process(), "BSD"), HasSubstr("linux.personality.domain: unknown value \"BSD\""));
}

TEST(CpuList, Valid) {
  EXPECT_THAT(*parse_cpu_list(""), IsEmpty());
  EXPECT_THAT(*parse_cpu_list(" \n"), IsEmpty());
  EXPECT_THAT(*parse_cpu_list("0"), ElementsAre(1u));
  EXPECT_THAT(*parse_cpu_list("0-3,7"), ElementsAre(0x8fu));
  EXPECT_THAT(*parse_cpu_list("64"), ElementsAre(0u, 1u));
  EXPECT_THAT(*parse_cpu_list("63-64, 1"), ElementsAre(0x8000000000000002u, 1u));
  EXPECT_EQ(parse_cpu_list("8191")->size(), 128u);
}

TEST(CpuList, Malformed) {
  for (const char* list : {"a", "1-", "-1", "3-1", "1,,2", "1-2-3", "8192", "0-99999999999", "0x1", "1;2", "+1"})
    EXPECT_FALSE(parse_cpu_list(list)) << list;
}

}  // namespace
}  // namespace bulkhead::sandbox
