// R3 with the exact texts, and what is refused by name.
#include <gmock/gmock.h>

#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::HasSubstr;

constexpr char kPidRefusal[] =
    "error in the container spec: invalid or unsupported container spec: bulkhead containers can't "
    "share namespaces [pid] with the host (because they use the linux user-namespace for isolation)";
constexpr char kNetworkRefusal[] =
    "error in the container spec: invalid or unsupported container spec: bulkhead containers can't "
    "share a network namespace with the host (because they use the linux user-namespace for isolation)";

spec::Spec spec_with(const std::vector<std::string>& types) {
  spec::Spec spec;
  for (const auto& type : types) spec.linux_.namespaces.push_back({type, ""});
  return spec;
}

JoinedNamespace of_container(std::string type, std::uint64_t owner = 77) {
  return {.type = type, .path = "/proc/9/ns/" + type, .of_process = true, .owner = owner,
          .owner_is_bulkhead = true};
}

JoinedNamespace of_host(std::string type) {
  return {.type = type, .path = "/proc/1/ns/" + type, .is_host = true, .owner_is_host = true,
          .of_process = true};
}

std::string refusal(const spec::Spec& spec, const Facts& facts = {}) {
  auto plans = plan_namespaces(spec, facts);
  return plans ? "admitted" : plans.error().message;
}

std::string text_of(const std::vector<NamespacePlan>& plans) {
  std::string out;
  for (const auto& plan : plans) out += plan.type + (plan.path.empty() ? "" : "=" + plan.path) + " ";
  return out;
}

const std::vector<std::string> kDocker{"mount", "network", "uts", "pid", "ipc"};

TEST(Namespaces, DockerGetsAllOfItsOwn) {
  auto plans = plan_namespaces(spec_with(kDocker), {});
  ASSERT_TRUE(plans);
  EXPECT_EQ(text_of(*plans), "user pid network ipc uts mount cgroup time ");
}

TEST(Namespaces, OfTheHostByAbsence) {
  EXPECT_EQ(refusal(spec_with({"mount", "network", "uts", "ipc"})), kPidRefusal);
  EXPECT_EQ(refusal(spec_with({"mount", "uts", "pid", "ipc"})), kNetworkRefusal);
  EXPECT_THAT(refusal(spec_with({"mount", "network"})), HasSubstr("can't share namespaces [pid ipc uts] with"));
  EXPECT_THAT(refusal(spec_with({"network", "uts", "pid", "ipc"})), HasSubstr("[mount]"));
  EXPECT_THAT(refusal(spec_with({})), HasSubstr("[pid ipc uts mount network]"));
}

TEST(Namespaces, OfTheHostByPath) {
  EXPECT_EQ(refusal(spec_with(kDocker), {.joined = {of_host("pid")}}), kPidRefusal);
  EXPECT_EQ(refusal(spec_with(kDocker), {.joined = {of_host("network")}}), kNetworkRefusal);
  for (const char* type : {"ipc", "uts"})
    EXPECT_THAT(refusal(spec_with(kDocker), {.joined = {of_host(type)}}),
                HasSubstr(std::string("can't share namespaces [") + type + "] with the host"));
  EXPECT_THAT(refusal(spec_with(kDocker), {.joined = {of_host("mount")}}),
              HasSubstr("can't join a mount namespace"));
}

TEST(Namespaces, HostUserCgroupAndTimeAreIgnored) {
  auto plans = plan_namespaces(spec_with(kDocker),
                               {.joined = {of_host("user"), of_host("cgroup"), of_host("time")}});
  ASSERT_TRUE(plans) << plans.error().message;
  EXPECT_EQ(text_of(*plans), "user pid network ipc uts mount cgroup time ");
}

TEST(Namespaces, OfAnotherContainer) {
  auto plans = plan_namespaces(spec_with(kDocker), {.joined = {of_container("network"), of_container("ipc")}});
  ASSERT_TRUE(plans) << plans.error().message;
  EXPECT_EQ(text_of(*plans),
            "network=/proc/9/ns/network ipc=/proc/9/ns/ipc user=/proc/9/ns/ipc pid uts mount cgroup time ");
}

TEST(Namespaces, OfTwoContainers) {
  EXPECT_THAT(refusal(spec_with(kDocker), {.joined = {of_container("network", 1), of_container("ipc", 2)}}),
              HasSubstr("belong to different containers"));
}

TEST(Namespaces, OfAContainerOfAnotherRuntime) {
  JoinedNamespace foreign{.type = "pid", .path = "/proc/5/ns/pid", .owner_is_host = true, .of_process = true};
  EXPECT_THAT(refusal(spec_with(kDocker), {.joined = {foreign}}),
              HasSubstr("can't share the pid namespace /proc/5/ns/pid: it is not of a bulkhead container"));
  JoinedNamespace network = foreign;
  network.type = "network";
  EXPECT_THAT(refusal(spec_with(kDocker), {.joined = {network}}), HasSubstr("not of a bulkhead container"));
}

TEST(Namespaces, NetworkMadeAndPinnedByAnEngine) {
  JoinedNamespace pinned{.type = "network", .path = "/run/netns/cni-1", .owner_is_host = true};
  auto plans = plan_namespaces(spec_with(kDocker), {.joined = {pinned}});
  ASSERT_TRUE(plans) << plans.error().message;
  EXPECT_EQ(text_of(*plans), "network=/run/netns/cni-1 user pid ipc uts mount cgroup time ");
  pinned.type = "ipc";
  EXPECT_FALSE(plan_namespaces(spec_with(kDocker), {.joined = {pinned}})) << "only networks";
}

TEST(Features, RefusedByName) {
  spec::Spec spec;
  EXPECT_THAT(admit_features(spec).error().message, HasSubstr("root is missing"));
  spec.root.emplace();
  EXPECT_TRUE(admit_features(spec));
  spec.linux_.has_intel_rdt = true;
  EXPECT_THAT(admit_features(spec).error().message, HasSubstr("linux.intelRdt is not supported"));
}

TEST(Features, Process) {
  spec::Spec spec{.process = spec::Process{}, .root = spec::Root{}};
  spec.process->args = {"sh"};
  for (const char* cwd : {"", "relative", "./x"}) {
    spec.process->cwd = cwd;
    EXPECT_THAT(admit_features(spec).error().message, HasSubstr("must be an absolute path")) << cwd;
  }
  spec.process->cwd = "/";
  EXPECT_TRUE(admit_features(spec));
  spec.process->args.clear();
  EXPECT_THAT(admit_features(spec).error().message, HasSubstr("process.args must not be empty"));
}

}  // namespace
}  // namespace bulkhead::plan
