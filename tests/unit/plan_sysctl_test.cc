// Sysctls: per namespace only, as names that cannot leave /proc/sys (CVE-2022-0811).
#include <gmock/gmock.h>

#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::HasSubstr;

const std::vector<NamespacePlan> kAllNew{{"network", ""}, {"ipc", ""}, {"uts", ""}};

// "key=value" as planned, or the error.
std::string planned(const std::string& key, const std::string& value,
                    const std::vector<NamespacePlan>& namespaces = kAllNew) {
  spec::Spec spec;
  spec.linux_.sysctl[key] = value;
  auto sysctls = plan_sysctls(spec, namespaces);
  if (!sysctls) return sysctls.error().message;
  return sysctls->at(0).key + "=" + sysctls->at(0).value;
}

TEST(Sysctls, OfEachNamespace) {
  EXPECT_EQ(planned("net.ipv4.ip_forward", "1"), "net.ipv4.ip_forward=1");
  EXPECT_EQ(planned("kernel.shmmax", "1000"), "kernel.shmmax=1000");
  EXPECT_EQ(planned("kernel.sem", "250 32000 100 128"), "kernel.sem=250 32000 100 128");
  EXPECT_EQ(planned("fs.mqueue.msg_max", "20"), "fs.mqueue.msg_max=20");
  EXPECT_EQ(planned("kernel.domainname", "example"), "kernel.domainname=example");
}

TEST(Sysctls, Where) {
  spec::Spec spec;
  spec.linux_.sysctl = {{"net.core.somaxconn", "1"}, {"kernel.msgmax", "1"}, {"kernel.hostname", "h"}};
  auto sysctls = plan_sysctls(spec, kAllNew);
  ASSERT_TRUE(sysctls);
  using Where = Sysctl::Namespace;
  for (const auto& sysctl : *sysctls)
    EXPECT_EQ(sysctl.where, sysctl.key == "net.core.somaxconn" ? Where::kNetwork
                            : sysctl.key == "kernel.msgmax"     ? Where::kIpc
                                                                : Where::kUts)
        << sysctl.key;
}

TEST(Sysctls, SlashesAndDots) {
  EXPECT_EQ(planned("net/ipv4/ip_forward", "1"), "net.ipv4.ip_forward=1");
  EXPECT_EQ(planned("net/ipv4/conf/eth0.1/forwarding", "1"), "net.ipv4.conf.eth0/1.forwarding=1");
  EXPECT_EQ(planned("net.ipv4.conf.eth0/1.forwarding", "1"), "net.ipv4.conf.eth0/1.forwarding=1");
}

TEST(Sysctls, OfTheWholeHostAreRefused) {
  for (const char* key : {"kernel.core_pattern", "kernel/core_pattern", "vm.overcommit_memory",
                          "kernel.panic", "fs.file-max", "kernel.modprobe", "user.max_user_namespaces",
                          "kernel.shm_next_id", "netx.ipv4", "fs.mqueue", "kernel.msgmaxx", "net"})
    EXPECT_THAT(planned(key, "1"), HasSubstr("is not in a separate kernel namespace")) << key;
}

TEST(Sysctls, NamesThatWouldLead) {
  for (const char* key : {"net.ipv4/../../kernel/core_pattern", "net/../kernel/core_pattern", "net..ipv4",
                          "net/./ipv4", "net.//.kernel.core_pattern", "net.ipv4./", "net/", "net.",
                          "net.ipv4.ip_forward\n", "net.ipv4.ip forward", "", "net.\\", "net.ipv4.\x01"})
    EXPECT_THAT(planned(key, "1"), HasSubstr("linux.sysctl: ")) << key;
}

// B12: a second sysctl in the value. "+" is only a character: one write(2) of the whole value, which
// the kernel refuses as a number.
TEST(Sysctls, SecondSysctlInTheValue) {
  EXPECT_EQ(planned("net.ipv4.ip_forward", "1+kernel.core_pattern=|/bin/sh"),
            "net.ipv4.ip_forward=1+kernel.core_pattern=|/bin/sh");
  EXPECT_THAT(planned("net.ipv4.ip_forward", "1\nkernel.core_pattern=|/x"),
              HasSubstr("linux.sysctl: malformed entry \"net.ipv4.ip_forward\""));
}

TEST(Sysctls, NotInANamespaceOfAnotherContainer) {
  const std::vector<NamespacePlan> joined{
      {"user", "/proc/9/ns/net"}, {"network", "/proc/9/ns/net"}, {"ipc", ""}, {"uts", ""}};
  EXPECT_THAT(planned("net.ipv4.ip_forward", "1", joined),
              HasSubstr("is not allowed in the network namespace of another container"));
  EXPECT_EQ(planned("kernel.shmmax", "1", joined), "kernel.shmmax=1");
}

TEST(Sysctls, InANetworkThatTheEnginePinnedForTheContainer) {
  const std::vector<NamespacePlan> pinned{{"network", "/run/netns/cni-1"}, {"user", ""}, {"ipc", ""}};
  EXPECT_EQ(planned("net.ipv4.ip_unprivileged_port_start", "0", pinned), "net.ipv4.ip_unprivileged_port_start=0");
}

TEST(Sysctls, PingGroupRangeEndsWithTheContainersIds) {
  const char* key = "net.ipv4.ping_group_range";
  EXPECT_EQ(planned(key, "0 2147483647"), "net.ipv4.ping_group_range=0 65535");
  EXPECT_EQ(planned(key, "0\t2147483647"), "net.ipv4.ping_group_range=0 65535");
  EXPECT_EQ(planned(key, "100 200"), "net.ipv4.ping_group_range=100 200");
  EXPECT_EQ(planned(key, "1 0"), "net.ipv4.ping_group_range=1 0");
  EXPECT_EQ(planned(key, "0 4294967296"), "net.ipv4.ping_group_range=0 4294967296") << "the kernel's EINVAL";
  EXPECT_EQ(planned(key, "garbage"), "net.ipv4.ping_group_range=garbage");
}

}  // namespace
}  // namespace bulkhead::plan
