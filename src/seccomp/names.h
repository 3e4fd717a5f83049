// The specification's seccomp names as tables: what each means to libseccomp and to the kernel.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace bulkhead::seccomp {

struct ActionName {
  std::string_view name;
  std::uint32_t action;         // SCMP_ACT_*, data bits zero
  std::uint32_t largest_data;   // of errnoRet; 0: the action takes none
};

struct OperatorName {
  std::string_view name;
  scmp_compare op;
};

struct ArchitectureName {
  std::string_view name;
  std::uint32_t token;        // SCMP_ARCH_*
  std::uint32_t audit_arch;   // seccomp_data.arch; differs from the token for x32 only
};

struct FlagName {
  std::string_view name;
  std::uint32_t flag;   // SECCOMP_FILTER_FLAG_*
};

std::span<const ActionName> actions();
std::span<const OperatorName> operators();
std::span<const ArchitectureName> architectures();
std::span<const FlagName> flags();

// The row of that name, or null.
template <typename Row>
const Row* find_name(std::span<const Row> table, std::string_view name) {
  for (const Row& row : table)
    if (row.name == name) return &row;
  return nullptr;
}

// seccomp_data.arch of a libseccomp architecture token.
std::uint32_t audit_arch_of(std::uint32_t token);

// Does this kernel take `flag`? It checks flags before it reads the program, so a null program
// tells EINVAL from EFAULT and installs nothing.
bool kernel_takes_flag(std::uint32_t flag);

}  // namespace bulkhead::seccomp
