// Whole configurations: those that engines wrote, one with every key, and our own default.
#include "spec/read.h"

#include <gmock/gmock.h>

#include <cstdio>

#include "spec/default_spec.h"

namespace bulkhead::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string load(const std::string& name) {
  std::string path = std::string(TEST_DATA "/specs/") + name + ".json", text;
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (!file) {
    ADD_FAILURE() << "cannot open " << path;
    return text;
  }
  char buffer[4096];
  while (std::size_t size = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, size);
  std::fclose(file);
  return text;
}

Spec must_read(const std::string& text) {
  auto spec = read_spec(text);
  EXPECT_TRUE(spec.has_value()) << spec.error().message;
  return spec ? *spec : Spec{};
}

TEST(ReadSpec, Docker) {
  Spec spec = must_read(load("docker-20.10"));
  EXPECT_EQ(spec.oci_version, "1.0.2-dev");
  EXPECT_THAT(spec.process->args, ElementsAre("cat", "/proc/self/uid_map"));
  EXPECT_THAT(spec.process->user.additional_gids, ElementsAre(0));
  EXPECT_EQ(spec.process->capabilities->bounding.size(), 14u);
  EXPECT_THAT(spec.process->capabilities->ambient, IsEmpty());
  EXPECT_EQ(spec.process->oom_score_adj, 0);
  EXPECT_EQ(spec.mounts.size(), 10u);
  EXPECT_EQ(spec.mounts[9].destination, "/etc/hosts");
  EXPECT_THAT(spec.mounts[9].options, ElementsAre("rbind", "rprivate"));
  EXPECT_EQ(spec.hooks.prestart.at(0).args.at(0), "libnetwork-setkey");
  EXPECT_EQ(spec.linux_.namespaces.size(), 5u);
  EXPECT_EQ(spec.linux_.sysctl.at("net.ipv4.ping_group_range"), "0 2147483647");
  EXPECT_EQ(spec.linux_.resources->devices.size(), 8u);
  EXPECT_EQ(spec.linux_.resources->devices[0].type, 'a');
  EXPECT_EQ(spec.linux_.resources->devices[0].major, std::nullopt);
  EXPECT_EQ(spec.linux_.resources->memory->disable_oom_killer, false);
  EXPECT_EQ(spec.linux_.resources->block_io->weight, 0);
  EXPECT_EQ(spec.linux_.resources->pids_limit, std::nullopt);
  EXPECT_EQ(spec.linux_.seccomp->syscalls.size(), 12u);
}

TEST(ReadSpec, DockerPrivileged) {
  Spec spec = must_read(load("docker-20.10-privileged"));
  EXPECT_EQ(spec.linux_.devices.size(), 102u);
  EXPECT_EQ(spec.linux_.devices[0].path, "/dev/autofs");
  EXPECT_EQ(spec.linux_.devices[0].minor, 235);
  EXPECT_EQ(spec.linux_.devices[0].file_mode, 0644u);
  EXPECT_FALSE(spec.linux_.seccomp);
  EXPECT_THAT(spec.linux_.masked_paths, IsEmpty());
}

TEST(ReadSpec, DockerBuild) {
  Spec spec = must_read(load("docker-20.10-buildkit"));
  EXPECT_EQ(spec.mounts.size(), 13u);
  EXPECT_TRUE(spec.root->path.starts_with("/var/lib/docker/buildkit/executor/"));
}

TEST(ReadSpec, Podman) {
  Spec spec = must_read(load("podman-4.3"));
  EXPECT_EQ(spec.process->user.umask, 022u);
  EXPECT_EQ(spec.process->rlimits.at(1).type, "RLIMIT_NPROC");
  EXPECT_EQ(spec.linux_.resources->memory->limit, 100 << 20);
  EXPECT_EQ(spec.linux_.resources->pids_limit, 2048);
  EXPECT_EQ(spec.annotations.at("io.container.manager"), "libpod");
}

TEST(ReadSpec, ContainerdWithNulls) {
  Spec spec = must_read(load("containerd-cri"));
  EXPECT_EQ(spec.process->user.umask, std::nullopt);
  EXPECT_THAT(spec.process->capabilities->inheritable, IsEmpty());
  EXPECT_FALSE(spec.linux_.resources->memory);
  EXPECT_EQ(spec.linux_.resources->pids_limit, -1);
  EXPECT_EQ(spec.linux_.namespaces.at(4).path, "/var/run/netns/cni-1");
  EXPECT_THAT(spec.linux_.uid_mappings, ElementsAre(IdMapping{0, 131072, 65536}));
  EXPECT_THAT(spec.mounts.at(4).gid_mappings, ElementsAre(IdMapping{0, 131072, 65536}));
  EXPECT_EQ(spec.linux_.seccomp->syscalls.at(1).args.at(0).value, 4294967295u);
}

TEST(ReadSpec, EveryKeyOfProcess) {
  Process process = *must_read(load("everything")).process;
  EXPECT_TRUE(process.terminal);
  EXPECT_EQ(process.console_size->width, 80u);
  EXPECT_EQ(process.console_size->height, 24u);
  EXPECT_EQ(process.user.uid, 1000u);
  EXPECT_EQ(process.user.gid, 1001u);
  EXPECT_THAT(process.user.additional_gids, ElementsAre(10, 20));
  EXPECT_THAT(process.args, ElementsAre("/bin/app", ""));
  EXPECT_THAT(process.env, ElementsAre("A=1", "B="));
  EXPECT_EQ(process.cwd, "/srv");
  EXPECT_THAT(process.capabilities->permitted, ElementsAre("CAP_CHOWN"));
  EXPECT_THAT(process.capabilities->inheritable, ElementsAre("CAP_KILL"));
  EXPECT_THAT(process.capabilities->ambient, ElementsAre("CAP_KILL"));
  EXPECT_EQ(process.rlimits.at(0).soft, 1024u);
  EXPECT_EQ(process.rlimits.at(0).hard, UINT64_MAX);
  EXPECT_TRUE(process.no_new_privileges);
  EXPECT_EQ(process.apparmor_profile, "docker-default");
  EXPECT_EQ(process.selinux_label, "system_u:system_r:container_t:s0");
  EXPECT_EQ(process.oom_score_adj, -999);
  EXPECT_EQ(process.scheduler->policy, "SCHED_DEADLINE");
  EXPECT_EQ(process.scheduler->nice, -5);
  EXPECT_THAT(process.scheduler->flags, ElementsAre("SCHED_FLAG_RESET_ON_FORK"));
  EXPECT_EQ(process.scheduler->runtime_ns, 10u);
  EXPECT_EQ(process.scheduler->deadline_ns, 20u);
  EXPECT_EQ(process.scheduler->period_ns, 30u);
  EXPECT_EQ(process.io_priority->io_class, "IOPRIO_CLASS_BE");
  EXPECT_EQ(process.io_priority->priority, 4);
  EXPECT_EQ(process.exec_cpu_affinity->initial, "0-1");
  EXPECT_EQ(process.exec_cpu_affinity->final, "2");
}

TEST(ReadSpec, EveryKeyOfResources) {
  Resources resources = *must_read(load("everything")).linux_.resources;
  EXPECT_EQ(resources.devices.at(1).type, 'b');
  EXPECT_EQ(resources.devices.at(1).minor, -1);
  EXPECT_EQ(resources.devices.at(1).access, "r");
  const auto& memory = *resources.memory;
  EXPECT_EQ(memory.limit, 1);
  EXPECT_EQ(memory.reservation, 2);
  EXPECT_EQ(memory.swap, -1);
  EXPECT_EQ(memory.kernel, 3);
  EXPECT_EQ(memory.kernel_tcp, 4);
  EXPECT_EQ(memory.swappiness, std::nullopt);  // the unsigned -1
  EXPECT_EQ(memory.disable_oom_killer, true);
  EXPECT_EQ(memory.use_hierarchy, true);
  EXPECT_EQ(memory.check_before_update, true);
  const auto& cpu = *resources.cpu;
  EXPECT_EQ(cpu.shares, 1024u);
  EXPECT_EQ(cpu.quota, -1);
  EXPECT_EQ(cpu.burst, 5u);
  EXPECT_EQ(cpu.period, 100000u);
  EXPECT_EQ(cpu.realtime_runtime, 6);
  EXPECT_EQ(cpu.realtime_period, 7u);
  EXPECT_EQ(cpu.cpus, "0-1");
  EXPECT_EQ(cpu.mems, "0");
  EXPECT_EQ(cpu.idle, 1);
  EXPECT_EQ(resources.pids_limit, 100);
  const auto& io = *resources.block_io;
  EXPECT_EQ(io.weight, 10);
  EXPECT_EQ(io.leaf_weight, 20);
  EXPECT_EQ(io.weight_device.at(0).leaf_weight, 40);
  EXPECT_EQ(io.throttle_read_bps.at(0).rate, 50u);
  EXPECT_EQ(io.throttle_write_bps.at(0).rate, 60u);
  EXPECT_EQ(io.throttle_read_iops.at(0).rate, 70u);
  EXPECT_EQ(io.throttle_write_iops.at(0).rate, 80u);
  EXPECT_EQ(resources.hugepage_limits.at(0).page_size, "2MB");
  EXPECT_EQ(resources.network->class_id, 1048577u);
  EXPECT_EQ(resources.network->priorities.at(0).name, "eth0");
  EXPECT_EQ(resources.rdma.at("mlx5_1").hca_objects, 10000u);
  EXPECT_THAT(resources.unified, ElementsAre(Pair("memory.high", "1048576")));
}

TEST(ReadSpec, EveryOtherKey) {
  Spec spec = must_read(load("everything"));
  EXPECT_EQ(spec.root->path, "rootfs");
  EXPECT_TRUE(spec.root->readonly);
  EXPECT_EQ(spec.domainname, "domain");
  EXPECT_EQ(spec.mounts.at(0).destination, "/relative");
  EXPECT_THAT(spec.mounts.at(0).uid_mappings, ElementsAre(IdMapping{0, 1000, 10}));
  EXPECT_EQ(spec.hooks.prestart.at(0).timeout_s, 5u);
  EXPECT_THAT(spec.hooks.prestart.at(0).env, ElementsAre("K=V"));
  EXPECT_EQ(spec.hooks.create_runtime.at(0).path, "/h2");
  EXPECT_EQ(spec.hooks.create_container.at(0).path, "/h3");
  EXPECT_EQ(spec.hooks.start_container.at(0).path, "/h4");
  EXPECT_EQ(spec.hooks.poststart.at(0).path, "/h5");
  EXPECT_EQ(spec.hooks.poststop.at(1).path, "/h7");
  EXPECT_THAT(spec.annotations, ElementsAre(Pair("A", "2"), Pair("a", "1")));
  const Linux& linux_object = spec.linux_;
  EXPECT_EQ(linux_object.gid_mappings.at(0).host_id, 200000u);
  EXPECT_EQ(linux_object.cgroups_path, "/a/b");
  EXPECT_EQ(linux_object.namespaces.at(1).path, "/proc/5/ns/net");
  EXPECT_EQ(linux_object.devices.at(0).gid, 4u);
  EXPECT_EQ(linux_object.devices.at(1).type, 'p');
  EXPECT_EQ(linux_object.rootfs_propagation, "rslave");
  EXPECT_EQ(linux_object.mount_label, "label");
  EXPECT_TRUE(linux_object.has_intel_rdt);
  EXPECT_EQ(linux_object.personality_domain, "LINUX32");
  EXPECT_EQ(linux_object.time_offsets.at("boottime").seconds, -5);
  EXPECT_EQ(linux_object.time_offsets.at("boottime").nanoseconds, 7u);
  EXPECT_EQ(linux_object.time_offsets.at("monotonic").seconds, 9);
  const Seccomp& seccomp = *linux_object.seccomp;
  EXPECT_EQ(seccomp.default_errno_ret, 38u);
  EXPECT_THAT(seccomp.flags, ElementsAre("SECCOMP_FILTER_FLAG_LOG"));
  EXPECT_EQ(seccomp.listener_path, "/run/listener.sock");
  EXPECT_EQ(seccomp.listener_metadata, "meta");
  EXPECT_EQ(seccomp.syscalls.at(0).errno_ret, 1u);
  EXPECT_EQ(seccomp.syscalls.at(0).args.at(0).index, 5u);
  EXPECT_EQ(seccomp.syscalls.at(0).args.at(0).value_two, UINT64_MAX);
}

TEST(ReadParts, ProcessAndResourcesAlone) {
  auto process = read_process(R"({"user":{"uid":1,"gid":2},"args":["id"],"cwd":"/"})");
  ASSERT_TRUE(process.has_value()) << process.error().message;
  EXPECT_EQ(process->user.gid, 2u);
  auto resources = read_resources(R"({"memory":{"limit":-1},"pids":{}})");
  ASSERT_TRUE(resources.has_value()) << resources.error().message;
  EXPECT_EQ(resources->memory->limit, -1);
  EXPECT_EQ(resources->pids_limit, std::nullopt);
  EXPECT_EQ(read_process(R"({"cwd":"/"})").error().message, "process.args: is missing");
  EXPECT_EQ(read_resources(R"({"pids":7})").error().message,
            "resources.pids: expected an object, found a number");
}

TEST(DefaultSpec, IsReadable) {
  std::string text = default_spec();
  EXPECT_TRUE(text.starts_with("{\n  \"ociVersion\": \"1.2.0\",\n  \"process\": {\n"));
  Spec spec = must_read(text);
  EXPECT_TRUE(spec.process->terminal);
  EXPECT_THAT(spec.process->args, ElementsAre("sh"));
  EXPECT_TRUE(spec.root->readonly);
  EXPECT_EQ(spec.mounts.size(), 7u);
  EXPECT_EQ(spec.linux_.namespaces.size(), 6u);
  EXPECT_THAT(spec.process->capabilities->inheritable, IsEmpty());
}

}  // namespace
}  // namespace bulkhead::spec
