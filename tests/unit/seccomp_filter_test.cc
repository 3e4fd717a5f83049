// Filters as functions of (architecture, call, arguments), against an oracle that reads the
// profile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>
#include <map>
#include <set>

#include "bpf_evaluator.h"
#include "seccomp/enosys.h"
#include "seccomp/filter.h"
#include "seccomp_profile.h"

namespace bulkhead::seccomp {
namespace {

using ::testing::HasSubstr;
using testing::BpfEvaluator;
using testing::load_profile;

constexpr std::uint32_t kX32 = 0x40000000;
constexpr std::uint32_t kEperm = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;

#define SKIP_UNLESS_X86_64()                       \
  if (seccomp_arch_native() != SCMP_ARCH_X86_64)   \
  GTEST_SKIP() << "compares with x86-64 call numbers"

spec::Seccomp profile_of(std::string default_action, std::vector<spec::SeccompSyscall> rules) {
  return {.default_action = std::move(default_action), .syscalls = std::move(rules)};
}

std::uint32_t run(const Filter& filter, std::uint32_t arch, std::uint32_t nr,
                  std::vector<std::uint64_t> args = {}) {
  seccomp_data data{.nr = static_cast<int>(nr), .arch = arch};
  std::copy(args.begin(), args.end(), data.args);
  return BpfEvaluator(filter.program).run(data).action;
}

std::uint32_t run64(const Filter& filter, int nr, std::vector<std::uint64_t> args = {}) {
  return run(filter, AUDIT_ARCH_X86_64, static_cast<std::uint32_t>(nr), std::move(args));
}

std::string error_of(const spec::Seccomp& profile) {
  auto checked = check(profile);
  auto compiled = compile(profile);
  EXPECT_FALSE(compiled.has_value());
  if (!checked && !compiled) {
    EXPECT_EQ(checked.error().message, compiled.error().message);
  }
  return compiled ? "" : compiled.error().message;
}

// --- Docker's default profile --------------------------------------------------------------------

struct Abi {
  const char* name;
  std::uint32_t token, audit_arch, bits, first;
};
const Abi kAbis[] = {{"x86_64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 64, 0},
                     {"i386", SCMP_ARCH_X86, AUDIT_ARCH_I386, 32, 0},
                     {"x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, 32, kX32}};

bool holds(const spec::SeccompArg& arg, std::uint64_t value, std::uint32_t bits) {
  const std::uint64_t mask = bits == 32 ? 0xffffffff : ~std::uint64_t{0};
  value &= mask;
  const std::uint64_t one = arg.value & mask, two = arg.value_two & mask;
  if (arg.op == "SCMP_CMP_EQ") return value == one;
  if (arg.op == "SCMP_CMP_NE") return value != one;
  if (arg.op == "SCMP_CMP_LT") return value < one;
  if (arg.op == "SCMP_CMP_LE") return value <= one;
  if (arg.op == "SCMP_CMP_GT") return value > one;
  if (arg.op == "SCMP_CMP_GE") return value >= one;
  return (value & one) == two;
}

std::uint32_t action_of(const spec::SeccompSyscall& rule) {
  if (rule.action == "SCMP_ACT_ALLOW") return SECCOMP_RET_ALLOW;
  return SECCOMP_RET_ERRNO | rule.errno_ret.value_or(EPERM);
}

// What the profile means, read rule by rule. Good for profiles whose matching rules agree.
class Oracle {
 public:
  Oracle(const spec::Seccomp& profile, const Abi& abi) : abi_(abi) {
    std::multimap<std::string, const spec::SeccompSyscall*> names;
    for (const auto& rule : profile.syscalls)
      for (const auto& name : rule.names) names.emplace(name, &rule);
    // From the numbers' side: by name, i386 answers with pseudo numbers for socket calls.
    for (std::uint32_t nr = abi.first; nr < abi.first + 700; ++nr) {
      char* name = seccomp_syscall_resolve_num_arch(abi.token, static_cast<int>(nr));
      auto [from, to] = names.equal_range(name ? name : "");
      for (auto at = from; at != to; ++at) rules_.emplace(last_ = nr, at->second);
      free(name);
    }
  }
  std::uint32_t operator()(std::uint32_t nr, const std::vector<std::uint64_t>& args) const {
    if (nr > last_) return kEnosys;
    auto [from, to] = rules_.equal_range(nr);
    for (auto at = from; at != to; ++at) {
      const auto& conditions = at->second->args;
      if (std::all_of(conditions.begin(), conditions.end(),
                      [&](const auto& c) { return holds(c, args[c.index], abi_.bits); }))
        return action_of(*at->second);
    }
    return kEperm;
  }
  std::uint32_t last() const { return last_; }

 private:
  Abi abi_;
  std::uint32_t last_ = 0;
  std::multimap<std::uint32_t, const spec::SeccompSyscall*> rules_;
};

// Values at which some condition of the profile turns.
std::set<std::uint64_t> interesting_values(const spec::Seccomp& profile) {
  std::set<std::uint64_t> values{0, 1, 0x7fffffff, 0xffffffff, std::uint64_t{1} << 32,
                                 ~std::uint64_t{0}};
  for (const auto& rule : profile.syscalls)
    for (const auto& arg : rule.args)
      for (std::uint64_t base : {arg.value, arg.value_two})
        for (std::uint64_t value : {base - 1, base, base + 1, base | (std::uint64_t{1} << 40)})
          values.insert(value);
  for (unsigned bit = 0; bit < 64; ++bit) values.insert(std::uint64_t{1} << bit);
  return values;
}

TEST(SeccompDocker, MeansTheProfileOnEveryAbi) {
  SKIP_UNLESS_X86_64();
  const auto profile = load_profile("docker-default-seccomp.json");
  const auto filter = compile(profile).value();
  EXPECT_EQ(filter.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  EXPECT_FALSE(filter.has_notify);
  for (const Abi& abi : kAbis) {
    const Oracle oracle(profile, abi);
    std::map<std::uint32_t, int> seen;
    for (std::uint32_t nr = abi.first; nr < abi.first + 700; ++nr)
      for (std::uint64_t value : interesting_values(profile)) {
        const std::vector<std::uint64_t> args(6, value);
        const std::uint32_t action = run(filter, abi.audit_arch, nr, args);
        ASSERT_EQ(action, oracle(nr, args)) << abi.name << " call " << nr << " args " << value;
        ++seen[action];
      }
    EXPECT_GT(seen[SECCOMP_RET_ALLOW], 0) << abi.name;
    EXPECT_GT(seen[kEperm], 0) << abi.name;
    EXPECT_GT(seen[kEnosys], 0) << abi.name;
  }
}

TEST(SeccompDocker, KnownVerdicts) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(load_profile("docker-default-seccomp.json")).value();
  EXPECT_EQ(run64(filter, 0), SECCOMP_RET_ALLOW);                     // read
  EXPECT_EQ(run64(filter, 165), kEperm);                              // mount
  EXPECT_EQ(run64(filter, 435), kEnosys);                             // clone3, by its own rule
  EXPECT_EQ(run64(filter, 56, {0x10000000}), kEperm);                 // clone(CLONE_NEWUSER)
  EXPECT_EQ(run64(filter, 56, {17}), SECCOMP_RET_ALLOW);              // clone(SIGCHLD)
  EXPECT_EQ(run64(filter, 135, {0x0040000}), kEperm);                 // personality(ADDR_NO_RAND)
  EXPECT_EQ(run64(filter, 600), kEnosys);                             // newer than the profile
  EXPECT_EQ(run64(filter, -1), kEnosys);
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 21), kEperm);                // mount
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 3), SECCOMP_RET_ALLOW);      // read
  EXPECT_EQ(run64(filter, static_cast<int>(kX32 + 0)), SECCOMP_RET_ALLOW);  // x32 read
  EXPECT_EQ(run64(filter, static_cast<int>(kX32 + 165)), kEperm);     // x32 mount
  EXPECT_EQ(run(filter, AUDIT_ARCH_AARCH64, 63), SECCOMP_RET_KILL_THREAD);
}

TEST(SeccompDocker, IsATree) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(load_profile("docker-default-seccomp.json")).value();
  std::size_t longest = 0;
  for (const Abi& abi : kAbis)
    for (std::uint32_t nr = abi.first; nr < abi.first + 450; ++nr) {
      const seccomp_data data{.nr = static_cast<int>(nr), .arch = abi.audit_arch};
      longest = std::max(longest, BpfEvaluator(filter.program).run(data).steps);
    }
  EXPECT_LT(longest, 40u);  // a list would take hundreds
  EXPECT_LE(filter.program.size(), 1400u);
}

// --- actions, return codes, operators ------------------------------------------------------------

TEST(SeccompActions, EveryOne) {
  SKIP_UNLESS_X86_64();
  const struct {
    const char* name;
    std::optional<std::uint32_t> errno_ret;
    std::uint32_t action;
  } rows[] = {{"SCMP_ACT_KILL", {}, SECCOMP_RET_KILL_THREAD},
              {"SCMP_ACT_KILL_THREAD", {}, SECCOMP_RET_KILL_THREAD},
              {"SCMP_ACT_KILL_PROCESS", {}, SECCOMP_RET_KILL_PROCESS},
              {"SCMP_ACT_TRAP", {}, SECCOMP_RET_TRAP},
              {"SCMP_ACT_ERRNO", {}, kEperm},
              {"SCMP_ACT_ERRNO", 0, SECCOMP_RET_ERRNO},
              {"SCMP_ACT_ERRNO", 4094, SECCOMP_RET_ERRNO | 4094},
              {"SCMP_ACT_TRACE", {}, SECCOMP_RET_TRACE | EPERM},
              {"SCMP_ACT_TRACE", 0xffff, SECCOMP_RET_TRACE | 0xffff},
              {"SCMP_ACT_LOG", {}, SECCOMP_RET_LOG},
              {"SCMP_ACT_NOTIFY", {}, SECCOMP_RET_USER_NOTIF}};
  for (const auto& row : rows) {
    auto profile = profile_of(
        "SCMP_ACT_ALLOW", {{.names = {"getppid"}, .action = row.name, .errno_ret = row.errno_ret}});
    profile.listener_path = "/run/agent.sock";
    const auto filter = compile(profile);
    ASSERT_TRUE(filter.has_value()) << row.name << ": " << filter.error().message;
    EXPECT_EQ(run64(*filter, 110), row.action) << row.name;
    EXPECT_EQ(run64(*filter, 39), SECCOMP_RET_ALLOW) << row.name;
    EXPECT_EQ(filter->has_notify, row.action == SECCOMP_RET_USER_NOTIF) << row.name;
  }
}

TEST(SeccompActions, DefaultReturnCode) {
  SKIP_UNLESS_X86_64();
  auto profile = profile_of("SCMP_ACT_ERRNO", {{.names = {"futex"}, .action = "SCMP_ACT_ALLOW"}});
  profile.default_errno_ret = 77;
  const auto filter = compile(profile).value();
  EXPECT_EQ(run64(filter, 39), SECCOMP_RET_ERRNO | 77);
  EXPECT_EQ(run64(filter, 202), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run64(filter, 203), kEnosys);
}

TEST(SeccompActions, RulesEqualToTheDefaultAreSkipped) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(profile_of(
      "SCMP_ACT_ALLOW", {{.names = {"getppid"}, .action = "SCMP_ACT_ALLOW"},
                         {.names = {"getpid"}, .action = "SCMP_ACT_ERRNO", .errno_ret = 5}}));
  ASSERT_TRUE(filter.has_value()) << filter.error().message;
  EXPECT_EQ(run64(*filter, 110), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run64(*filter, 39), SECCOMP_RET_ERRNO | 5);
}

// libseccomp 2.5.4 makes "kill" of a binary tree without rules.
TEST(SeccompActions, NoRules) {
  SKIP_UNLESS_X86_64();
  EXPECT_EQ(run64(compile(profile_of("SCMP_ACT_ALLOW", {})).value(), 39), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run64(compile(profile_of("SCMP_ACT_ERRNO", {})).value(), 39), kEperm);
}

TEST(SeccompActions, UnknownCallsAreSkipped) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(profile_of(
      "SCMP_ACT_ERRNO", {{.names = {"no_such_call", "read"}, .action = "SCMP_ACT_ALLOW"}}));
  EXPECT_EQ(run64(filter.value(), 0), SECCOMP_RET_ALLOW);
}

TEST(SeccompOperators, EveryOneWith64Bits) {
  SKIP_UNLESS_X86_64();
  const std::uint64_t pivot = 0x1'8000'0002;
  for (const auto& op : known_operators()) {
    const spec::SeccompArg arg{.index = 2, .value = pivot, .value_two = 0x1'0000'0002, .op = op};
    const auto filter = compile(profile_of(
        "SCMP_ACT_ALLOW", {{.names = {"read"}, .action = "SCMP_ACT_ERRNO", .args = {arg}}}));
    ASSERT_TRUE(filter.has_value()) << filter.error().message;
    for (std::uint64_t value : {pivot - 1, pivot, pivot + 1, std::uint64_t{0}, ~std::uint64_t{0},
                                std::uint64_t{0x8000'0002}, std::uint64_t{0x2'8000'0002},
                                std::uint64_t{0x1'0000'0002}, std::uint64_t{0x1'0000'0003}})
      EXPECT_EQ(run64(*filter, 0, {9, 9, value}) == kEperm, holds(arg, value, 64))
          << op << " " << value;
  }
}

TEST(SeccompOperators, ConditionsOnDifferentArgumentsMustAllHold) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(profile_of(
      "SCMP_ACT_ALLOW", {{.names = {"read"},
                          .action = "SCMP_ACT_ERRNO",
                          .args = {{.index = 0, .value = 1, .op = "SCMP_CMP_EQ"},
                                   {.index = 1, .value = 2, .op = "SCMP_CMP_EQ"}}}}));
  EXPECT_EQ(run64(filter.value(), 0, {1, 2}), kEperm);
  EXPECT_EQ(run64(filter.value(), 0, {1, 3}), SECCOMP_RET_ALLOW);
}

TEST(SeccompOperators, ConditionsOnOneArgumentAreAlternatives) {
  SKIP_UNLESS_X86_64();
  std::vector<spec::SeccompArg> args;
  for (std::uint64_t value = 1; value <= 9; ++value)  // more than a call has arguments
    args.push_back({.index = 0, .value = value, .op = "SCMP_CMP_EQ"});
  const auto filter = compile(profile_of(
      "SCMP_ACT_ALLOW", {{.names = {"read"}, .action = "SCMP_ACT_ERRNO", .args = args}}));
  ASSERT_TRUE(filter.has_value()) << filter.error().message;
  for (std::uint64_t value = 0; value <= 10; ++value)
    EXPECT_EQ(run64(*filter, 0, {value}) == kEperm, value >= 1 && value <= 9) << value;
}

// --- architectures -------------------------------------------------------------------------------

TEST(SeccompArchitectures, NativeIsAlwaysInAndOthersAreKilled) {
  SKIP_UNLESS_X86_64();
  for (std::vector<std::string> list : {std::vector<std::string>{}, {"SCMP_ARCH_X86_64"}}) {
    auto profile = profile_of("SCMP_ACT_ERRNO", {{.names = {"read"}, .action = "SCMP_ACT_ALLOW"}});
    profile.architectures = list;
    const auto filter = compile(profile).value();
    EXPECT_EQ(run64(filter, 0), SECCOMP_RET_ALLOW);
    EXPECT_EQ(run64(filter, 1), kEnosys);  // the stub covers the native one even if not listed
    EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 3), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(run64(filter, static_cast<int>(kX32)), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(run64(filter, static_cast<int>(kX32 + 5000)), SECCOMP_RET_KILL_THREAD);
  }
}

TEST(SeccompArchitectures, EveryNameCompilesOrSaysWhyNot) {
  SKIP_UNLESS_X86_64();
  const std::set<std::string> other_byte_order{
      "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_PPC",
      "SCMP_ARCH_PPC64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_PARISC",
      "SCMP_ARCH_PARISC64"};
  for (const auto& name : known_architectures()) {
    auto profile = profile_of("SCMP_ACT_ERRNO", {{.names = {"read"}, .action = "SCMP_ACT_ALLOW"}});
    profile.architectures = {name, name};
    const auto filter = compile(profile);
    EXPECT_EQ(filter.has_value(), !other_byte_order.contains(name)) << name;
    if (!filter) {
      EXPECT_THAT(filter.error().message, HasSubstr("linux.seccomp.architectures: " + name));
    }
  }
}

TEST(SeccompArchitectures, Arm) {
  SKIP_UNLESS_X86_64();
  auto profile = profile_of("SCMP_ACT_ERRNO",
                            {{.names = {"read", "clone3", "set_tls"}, .action = "SCMP_ACT_ALLOW"}});
  profile.architectures = {"SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"};
  const auto filter = compile(profile).value();
  EXPECT_EQ(run(filter, AUDIT_ARCH_ARM, 0xf0005), SECCOMP_RET_ALLOW);  // set_tls
  EXPECT_EQ(run(filter, AUDIT_ARCH_ARM, 0xf0002), kEperm);             // cacheflush
  EXPECT_EQ(run(filter, AUDIT_ARCH_ARM, 4), kEperm);                   // write
  EXPECT_EQ(run(filter, AUDIT_ARCH_ARM, 436), kEnosys);  // private calls do not stretch the range
  EXPECT_EQ(run(filter, AUDIT_ARCH_AARCH64, 63), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(filter, AUDIT_ARCH_AARCH64, 436), kEnosys);
}

// --- ENOSYS for newer calls ----------------------------------------------------------------------

TEST(SeccompEnosys, OnlyBeforeActionsThatRefuse) {
  SKIP_UNLESS_X86_64();
  const std::map<std::string, std::uint32_t> rows{
      {"SCMP_ACT_KILL", kEnosys},         {"SCMP_ACT_KILL_PROCESS", kEnosys},
      {"SCMP_ACT_TRAP", kEnosys},         {"SCMP_ACT_ERRNO", kEnosys},
      {"SCMP_ACT_LOG", SECCOMP_RET_LOG}, {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE | EPERM}};
  for (const auto& [action, newer] : rows) {
    const auto filter =
        compile(profile_of(action, {{.names = {"read"}, .action = "SCMP_ACT_ALLOW"}})).value();
    EXPECT_EQ(run64(filter, 600), newer) << action;
  }
}

TEST(SeccompEnosys, NotNeededWhenTheDefaultIsEnosys) {
  SKIP_UNLESS_X86_64();
  auto profile = profile_of("SCMP_ACT_ERRNO", {{.names = {"read"}, .action = "SCMP_ACT_ALLOW"}});
  const auto with_stub = compile(profile).value();
  profile.default_errno_ret = ENOSYS;
  const auto without = compile(profile).value();
  EXPECT_LT(without.program.size(), with_stub.program.size());
  EXPECT_EQ(run64(without, 600), kEnosys);
}

// A named call that is refused says so: EPERM stays EPERM up to the last name.
TEST(SeccompEnosys, RulesWithTheDefaultActionCountAsNames) {
  SKIP_UNLESS_X86_64();
  const auto filter = compile(profile_of(
      "SCMP_ACT_ERRNO", {{.names = {"read"}, .action = "SCMP_ACT_ALLOW"},
                         {.names = {"pidfd_open"}, .action = "SCMP_ACT_ERRNO"}}));
  EXPECT_EQ(run64(filter.value(), 434), kEperm);
  EXPECT_EQ(run64(filter.value(), 433), kEperm);
  EXPECT_EQ(run64(filter.value(), 435), kEnosys);
}

// i386 has socket calls directly and behind socketcall(2); libseccomp knows them by pseudo numbers.
TEST(SeccompEnosys, MultiplexedCallsCountByTheirDirectNumber) {
  SKIP_UNLESS_X86_64();
  auto profile =
      profile_of("SCMP_ACT_ERRNO", {{.names = {"read", "socket"}, .action = "SCMP_ACT_ALLOW"}});
  profile.architectures = {"SCMP_ARCH_X86"};
  const auto filter = compile(profile).value();
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 359), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 360), kEnosys);
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 102, {1}), SECCOMP_RET_ALLOW);  // socketcall(SYS_SOCKET)
  EXPECT_EQ(run(filter, AUDIT_ARCH_I386, 102, {2}), kEperm);             // socketcall(SYS_BIND)
}

// The stub alone: 77 stands for "went on to the filter".
std::uint32_t run_stub(std::vector<LastCall> last_calls, std::uint32_t arch, std::uint32_t nr) {
  auto program = enosys_stub(last_calls);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, 77));
  return BpfEvaluator(program).run({.nr = static_cast<int>(nr), .arch = arch}).action;
}

TEST(SeccompEnosys, StubByArchitecture) {
  const std::vector<LastCall> all{{SCMP_ARCH_X86_64, 400},        {SCMP_ARCH_X86, 300},
                                  {SCMP_ARCH_X32, kX32 + 500},    {SCMP_ARCH_S390X, 350},
                                  {SCMP_ARCH_RISCV64, 200}};
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_X86_64, 400), 77u);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_X86_64, 401), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_X86_64, kX32 + 500), 77u);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_X86_64, kX32 + 501), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_X86_64, 0x80000000), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_I386, 300), 77u);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_I386, 301), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_S390X, 0), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_S390X, 350), 77u);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_S390X, 351), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_RISCV64, 201), kEnosys);
  EXPECT_EQ(run_stub(all, AUDIT_ARCH_AARCH64, 9999), 77u);
  const std::vector<LastCall> x32_only{{SCMP_ARCH_X32, kX32 + 500}};
  EXPECT_EQ(run_stub(x32_only, AUDIT_ARCH_X86_64, 9999), 77u);
  EXPECT_EQ(run_stub(x32_only, AUDIT_ARCH_X86_64, kX32 + 501), kEnosys);
  const std::vector<LastCall> main_only{{SCMP_ARCH_X86_64, 400}};
  EXPECT_EQ(run_stub(main_only, AUDIT_ARCH_X86_64, kX32 + 9999), 77u);
  EXPECT_EQ(run_stub(main_only, AUDIT_ARCH_X86_64, 401), kEnosys);
  EXPECT_TRUE(enosys_stub({}).empty());
}

// --- flags and errors ----------------------------------------------------------------------------

TEST(SeccompFlags, Values) {
  auto profile = profile_of("SCMP_ACT_ALLOW", {{.names = {"read"}, .action = "SCMP_ACT_LOG"}});
  EXPECT_EQ(compile(profile).value().flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  profile.flags = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"};
  EXPECT_EQ(compile(profile).value().flags, SECCOMP_FILTER_FLAG_LOG);
  const auto supported = supported_flags();
  if (std::find(supported.begin(), supported.end(), "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") ==
      supported.end())
    GTEST_SKIP() << "this kernel has no SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (5.19)";
  profile.flags = known_flags();
  EXPECT_EQ(compile(profile).value().flags,
            SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  profile.syscalls[0].action = "SCMP_ACT_NOTIFY";
  profile.listener_path = "/run/agent.sock";
  EXPECT_EQ(compile(profile).value().flags,
            SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

TEST(SeccompFlags, KernelAnswersForEveryName) {
  EXPECT_THAT(supported_flags(), ::testing::Contains("SECCOMP_FILTER_FLAG_LOG"));
  EXPECT_EQ(known_actions().size(), 9u);
  EXPECT_EQ(known_operators().size(), 7u);
  EXPECT_EQ(known_architectures().size(), 19u);
  EXPECT_EQ(known_flags().size(), 4u);
}

TEST(SeccompErrors, NameTheObject) {
  const auto good = profile_of("SCMP_ACT_ALLOW", {{.names = {"read"}, .action = "SCMP_ACT_LOG"},
                                                  {.names = {"open"}, .action = "SCMP_ACT_LOG"}});
  ASSERT_TRUE(check(good).has_value());
  auto with = [&](auto change) {
    auto profile = good;
    change(profile);
    return error_of(profile);
  };
  using P = spec::Seccomp&;
  EXPECT_EQ(with([](P p) { p.default_action = "ALLOW"; }),
            "linux.seccomp.defaultAction: unknown action \"ALLOW\"");
  EXPECT_EQ(with([](P p) { p.default_action = ""; }),
            "linux.seccomp.defaultAction: unknown action \"\"");
  EXPECT_THAT(with([](P p) { p.default_action = "SCMP_ACT_NOTIFY"; }),
              HasSubstr("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default"));
  EXPECT_EQ(with([](P p) { p.default_errno_ret = 1; }),
            "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no return code");
  EXPECT_EQ(with([](P p) { p.syscalls[1].action = "scmp_act_log"; }),
            "linux.seccomp.syscalls[1].action: unknown action \"scmp_act_log\"");
  EXPECT_EQ(with([](P p) { p.syscalls[1].errno_ret = 1; }),
            "linux.seccomp.syscalls[1].errnoRet: SCMP_ACT_LOG takes no return code");
  EXPECT_EQ(with([](P p) { p.syscalls[1] = {.names = {"open"}, .action = "SCMP_ACT_ERRNO",
                                            .errno_ret = 4095}; }),
            "linux.seccomp.syscalls[1].errnoRet: 4095 is over 4094");
  EXPECT_EQ(with([](P p) { p.syscalls[1].args = {{.index = 6, .op = "SCMP_CMP_EQ"}}; }),
            "linux.seccomp.syscalls[1].args[0].index: 6 is not an argument of a system call "
            "(0 to 5)");
  EXPECT_EQ(with([](P p) { p.syscalls[1].args = {{.index = 0, .op = "=="}}; }),
            "linux.seccomp.syscalls[1].args[0].op: unknown operator \"==\"");
  EXPECT_EQ(with([](P p) { p.architectures = {"SCMP_ARCH_NATIVE"}; }),
            "linux.seccomp.architectures: unknown architecture \"SCMP_ARCH_NATIVE\"");
  EXPECT_EQ(with([](P p) { p.flags = {"TSYNC"}; }),
            "linux.seccomp.flags: unknown flag \"TSYNC\"");
  EXPECT_EQ(with([](P p) { p.syscalls[0].names.clear(); }),
            "linux.seccomp.syscalls[0].names: names no syscall");
  EXPECT_EQ(with([](P p) { p.syscalls[0].names = {""}; }),
            "linux.seccomp.syscalls[0].names: an empty name");
  EXPECT_THAT(with([](P p) { p.syscalls[1].action = "SCMP_ACT_NOTIFY"; }),
              HasSubstr("linux.seccomp.listenerPath: is not set, but linux.seccomp.syscalls[1]"));
  EXPECT_THAT(with([](P p) { p.listener_path = "/l"; p.syscalls[1].names = {"read", "write"};
                             p.syscalls[1].action = "SCMP_ACT_NOTIFY"; }),
              HasSubstr("linux.seccomp.syscalls[1].action: SCMP_ACT_NOTIFY cannot be used for the "
                        "write syscall"));
  EXPECT_EQ(with([](P p) { p.listener_metadata = "x"; }),
            "linux.seccomp.listenerMetadata: is set without a listenerPath");
}

TEST(SeccompErrors, OverTheKernelsProgramSize) {
  spec::SeccompSyscall rule{.names = {"read", "write", "open", "close"}, .action = "SCMP_ACT_LOG"};
  for (std::uint64_t value = 0; value < 2000; ++value)
    rule.args.push_back({.index = 0, .value = value << 32 | value, .op = "SCMP_CMP_EQ"});
  const auto filter = compile(profile_of("SCMP_ACT_ALLOW", {rule}));
  ASSERT_FALSE(filter.has_value());
  EXPECT_THAT(filter.error().message, HasSubstr("the kernel takes 4096"));
}

}  // namespace
}  // namespace bulkhead::seccomp
