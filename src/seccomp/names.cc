#include "seccomp/names.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "seccomp/filter.h"

namespace bulkhead::seccomp {
namespace {

// The kernel clamps larger ones to 4095 silently; libseccomp refuses 4095 too.
constexpr std::uint32_t kMaxErrno = 4094;
constexpr std::uint32_t kMaxTrace = 0xffff;  // SECCOMP_RET_DATA

constexpr ActionName kActions[] = {
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, 0},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, 0},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, 0},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP, 0},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), kMaxErrno},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), kMaxTrace},
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, 0},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG, 0},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, 0},
};

constexpr OperatorName kOperators[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE}, {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

constexpr ArchitectureName same(std::string_view name, std::uint32_t token) {
  return {name, token, token};
}

// Every architecture that libseccomp 2.5 names.
constexpr ArchitectureName kArchitectures[] = {
    same("SCMP_ARCH_X86", SCMP_ARCH_X86),
    same("SCMP_ARCH_X86_64", SCMP_ARCH_X86_64),
    {"SCMP_ARCH_X32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64},
    same("SCMP_ARCH_ARM", SCMP_ARCH_ARM),
    same("SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64),
    same("SCMP_ARCH_MIPS", SCMP_ARCH_MIPS),
    same("SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64),
    same("SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32),
    same("SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL),
    same("SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64),
    same("SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32),
    same("SCMP_ARCH_PPC", SCMP_ARCH_PPC),
    same("SCMP_ARCH_PPC64", SCMP_ARCH_PPC64),
    same("SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE),
    same("SCMP_ARCH_S390", SCMP_ARCH_S390),
    same("SCMP_ARCH_S390X", SCMP_ARCH_S390X),
    same("SCMP_ARCH_PARISC", SCMP_ARCH_PARISC),
    same("SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64),
    same("SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64),
};

constexpr FlagName kFlags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

template <typename Row>
std::vector<std::string> names_of(std::span<const Row> table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const Row& row : table) names.emplace_back(row.name);
  return names;
}

}  // namespace

std::span<const ActionName> actions() { return kActions; }
std::span<const OperatorName> operators() { return kOperators; }
std::span<const ArchitectureName> architectures() { return kArchitectures; }
std::span<const FlagName> flags() { return kFlags; }

std::uint32_t audit_arch_of(std::uint32_t token) {
  for (const auto& row : kArchitectures)
    if (row.token == token) return row.audit_arch;
  return token;
}

bool kernel_takes_flag(std::uint32_t flag) {
  // WAIT_KILLABLE_RECV is taken only together with a listener.
  if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, nullptr) < 0 && errno == EFAULT;
}

std::vector<std::string> known_actions() { return names_of(actions()); }
std::vector<std::string> known_operators() { return names_of(operators()); }
std::vector<std::string> known_architectures() { return names_of(architectures()); }
std::vector<std::string> known_flags() { return names_of(flags()); }

std::vector<std::string> supported_flags() {
  std::vector<std::string> names;
  for (const auto& row : kFlags)
    if (kernel_takes_flag(row.flag)) names.emplace_back(row.name);
  return names;
}

}  // namespace bulkhead::seccomp
