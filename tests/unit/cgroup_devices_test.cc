// The device policy: normal form, v1's exceptions, and the v2 program run by a small evaluator
// (the kernel has no test run for this program type; cgroup_v2_test opens real nodes).
#include <gtest/gtest.h>

#include "cgroup/device_filter.h"
#include "cgroup/device_rules.h"

namespace bulkhead::cgroup {
namespace {

using spec::DeviceRule;

const DeviceRule kDenyAll{.allow = false, .access = "rwm"};
const DeviceRule kAllowAll{.allow = true, .access = "rwm"};

DeviceRule rule(bool allow, char type, std::int64_t major, std::int64_t minor, const char* access) {
  return {.allow = allow, .type = type, .major = major, .minor = minor, .access = access};
}

// As Docker 20.10 sends them.
std::vector<DeviceRule> docker_rules() {
  return {kDenyAll,
          rule(true, 'c', 1, 5, "rwm"),
          rule(true, 'c', 1, 3, "rwm"),
          rule(true, 'c', 1, 9, "rwm"),
          rule(true, 'c', 1, 8, "rwm"),
          rule(true, 'c', 5, 0, "rwm"),
          rule(true, 'c', 5, 1, "rwm"),
          rule(false, 'c', 10, 229, "rwm")};
}

std::string exceptions_of(const std::vector<DeviceRule>& rules) {
  auto policy = device_policy(rules);
  if (!policy) return "error: " + policy.error().message;
  auto exceptions = device_exceptions(*policy);
  if (!exceptions) return "error: " + exceptions.error().message;
  std::string text = policy->default_allow ? "allow" : "deny";
  for (const DeviceMatch& match : *exceptions) text += "; " + device_text(match);
  return text;
}

TEST(CgroupDevices, Exceptions) {
  EXPECT_EQ(exceptions_of({}), "allow");
  EXPECT_EQ(exceptions_of({kAllowAll}), "allow");
  EXPECT_EQ(exceptions_of({rule(true, 'c', 1, 3, "rw"), kDenyAll}), "deny");
  EXPECT_EQ(exceptions_of(docker_rules()),
            "deny; c 1:5 rwm; c 1:3 rwm; c 1:9 rwm; c 1:8 rwm; c 5:0 rwm; c 5:1 rwm");
  EXPECT_EQ(exceptions_of({kDenyAll, rule(true, 'c', -1, -1, "m"), rule(true, 'b', -1, -1, "m")}),
            "deny; c *:* m; b *:* m");
  EXPECT_EQ(exceptions_of({kDenyAll, rule(true, 'a', -1, -1, "m")}), "deny; c *:* m; b *:* m");
  EXPECT_EQ(exceptions_of({kDenyAll, rule(true, 'c', 1, 3, "r"), rule(true, 'c', 1, 3, "w")}),
            "deny; c 1:3 rw");
  EXPECT_EQ(exceptions_of({kDenyAll, rule(true, 'c', 1, 3, "rw"), rule(false, 'c', 1, -1, "w")}),
            "deny; c 1:3 r");
  EXPECT_EQ(exceptions_of({rule(false, 'b', 8, -1, "rwm")}), "allow; b 8:* rwm");
}

TEST(CgroupDevices, HolesAreRefusedOnV1) {
  EXPECT_TRUE(exceptions_of({kDenyAll, rule(true, 'c', 10, -1, "rwm"),
                             rule(false, 'c', 10, 229, "rwm")})
                  .starts_with("error: resources.devices: \"c 10:229 rwm\" takes a part out of"));
}

TEST(CgroupDevices, ListedAndDifference) {
  EXPECT_FALSE(listed_exceptions("a *:* rwm\n"));
  auto now = listed_exceptions("c 1:3 rwm\nb 8:* m\nc *:7 r\n");
  ASSERT_TRUE(now);
  ASSERT_EQ(now->size(), 3u);
  EXPECT_EQ(device_text(now->at(1)), "b 8:* m");
  EXPECT_EQ(device_text(now->at(2)), "c *:7 r");
  std::vector<DeviceMatch> wanted = {
      {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = kRead},
      {.allow = true, .type = 'b', .major = 8, .access = kMknod}};
  auto surplus = without(*now, wanted);
  ASSERT_EQ(surplus.size(), 2u);
  EXPECT_EQ(device_text(surplus[0]), "c 1:3 wm");
  EXPECT_EQ(device_text(surplus[1]), "c *:7 r");
  EXPECT_TRUE(without(wanted, *now).empty());
  EXPECT_TRUE(listed_exceptions("")->empty());
}

TEST(CgroupDevices, BadRules) {
  EXPECT_FALSE(device_policy({rule(true, 'c', 1, 3, "")}));
  EXPECT_FALSE(device_policy({rule(true, 'c', 1, 3, "rx")}));
  EXPECT_FALSE(device_policy({rule(true, 'p', 1, 3, "r")}));
  EXPECT_FALSE(device_policy({rule(true, 'c', -2, 3, "r")}));
  EXPECT_FALSE(device_policy({rule(true, 'c', 1, 1LL << 32, "r")}));
}

// Only the instructions that the assembler emits; anything else fails the test.
int evaluate(const std::vector<bpf_insn>& code, bpf_cgroup_dev_ctx context) {
  std::uint64_t reg[11] = {};
  for (std::size_t at = 0; at < code.size(); ++at) {
    const bpf_insn& insn = code[at];
    std::uint64_t& to = reg[insn.dst_reg];
    auto value32 = static_cast<std::uint32_t>(insn.imm);
    auto value64 = static_cast<std::uint64_t>(static_cast<std::int64_t>(insn.imm));
    switch (insn.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        memcpy(&value32, reinterpret_cast<char*>(&context) + insn.off, 4);
        to = value32;
        break;
      case BPF_ALU64 | BPF_MOV | BPF_X: to = reg[insn.src_reg]; break;
      case BPF_ALU64 | BPF_MOV | BPF_K: to = value64; break;
      case BPF_ALU64 | BPF_RSH | BPF_K: to >>= value64; break;
      case BPF_ALU64 | BPF_AND | BPF_K: to &= value64; break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if (static_cast<std::uint32_t>(to) != value32) at += static_cast<std::size_t>(insn.off);
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        if (static_cast<std::uint32_t>(to) == value32) at += static_cast<std::size_t>(insn.off);
        break;
      case BPF_JMP | BPF_EXIT: return static_cast<int>(reg[0]);
      default: ADD_FAILURE() << "unknown instruction " << int{insn.code}; return -1;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return -1;
}

bool asks(const std::vector<DeviceRule>& rules, char type, std::uint32_t major, std::uint32_t minor,
          const char* access) {
  std::uint32_t bits = 0;
  for (const char* c = access; *c; ++c)
    bits |= *c == 'm' ? BPF_DEVCG_ACC_MKNOD : *c == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
  std::uint32_t kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  return evaluate(assemble_device_filter(device_policy(rules).value()),
                  {.access_type = bits << 16 | kind, .major = major, .minor = minor}) == 1;
}

TEST(CgroupDevices, FilterOfDocker) {
  auto rules = docker_rules();
  EXPECT_TRUE(asks(rules, 'c', 1, 3, "rw"));
  EXPECT_TRUE(asks(rules, 'c', 5, 1, "rwm"));
  EXPECT_FALSE(asks(rules, 'b', 1, 3, "r"));
  EXPECT_FALSE(asks(rules, 'c', 10, 229, "r"));
  EXPECT_FALSE(asks(rules, 'b', 8, 0, "m"));
  EXPECT_FALSE(asks(rules, 'c', 1, 1, "r"));
}

TEST(CgroupDevices, FilterDecidesPerAccessByTheLastRule) {
  std::vector<DeviceRule> rules = {kDenyAll, rule(true, 'c', 10, -1, "rw"),
                                   rule(false, 'c', 10, 229, "w"), rule(true, 'c', -1, 7, "m")};
  EXPECT_TRUE(asks(rules, 'c', 10, 200, "rw"));
  EXPECT_TRUE(asks(rules, 'c', 10, 229, "r"));
  EXPECT_FALSE(asks(rules, 'c', 10, 229, "w"));
  EXPECT_FALSE(asks(rules, 'c', 10, 229, "rw"));
  EXPECT_TRUE(asks(rules, 'c', 10, 7, "rwm"));   // two rules together
  EXPECT_FALSE(asks(rules, 'c', 11, 7, "rm"));   // one bit stays unsettled
  EXPECT_FALSE(asks(rules, 'c', 10, 200, "rwm"));
}

TEST(CgroupDevices, FilterDefaultsAndWideNumbers) {
  EXPECT_TRUE(asks({rule(false, 'b', 8, -1, "rwm")}, 'c', 8, 0, "rwm"));
  EXPECT_FALSE(asks({rule(false, 'b', 8, -1, "rwm")}, 'b', 8, 17, "r"));
  EXPECT_TRUE(asks({kAllowAll}, 'b', 8, 17, "rwm"));
  EXPECT_TRUE(asks({kDenyAll, rule(true, 'c', UINT32_MAX, 0x80000001, "r")}, 'c', UINT32_MAX,
                   0x80000001, "r"));
  EXPECT_FALSE(asks({kDenyAll, rule(true, 'c', UINT32_MAX, 0x80000001, "r")}, 'c', UINT32_MAX,
                    0x80000002, "r"));
}

}  // namespace
}  // namespace bulkhead::cgroup
