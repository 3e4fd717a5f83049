#include "cgroup/settings.h"

#include <cmath>

#include "base/strings.h"

namespace bulkhead::cgroup {

std::uint64_t weight_from_shares(std::uint64_t shares) {
  if (shares == 0) return 0;
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  double log2 = std::log2(static_cast<double>(shares));
  double exponent = (log2 * log2 + 125 * log2) / 612.0 - 7.0 / 34.0;
  return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t io_weight_from_blkio(std::uint64_t weight) {
  if (weight == 0) return 0;
  return 1 + (weight < 10 ? 0 : weight - 10) * 9999 / 990;
}

Result<std::string> swap_max(std::int64_t memory_and_swap, std::int64_t memory) {
  if (memory_and_swap == 0) return memory == -1 ? "max" : "";
  if (memory_and_swap == -1) return "max";
  if (memory_and_swap < 0)
    return fail(cat("resources.memory.swap: ", memory_and_swap, " is no size"));
  if (memory == 0 || memory == -1)
    return fail(
        "resources.memory.swap: a limit of memory and swap together needs memory.limit beside it");
  if (memory_and_swap < memory)
    return fail(cat("resources.memory.swap: ", memory_and_swap, " is below memory.limit ", memory));
  return cat(memory_and_swap - memory);
}

Result<> check_name(std::string_view name, std::string_view key) {
  bool plain = !name.empty() && name.size() < 64 && name != "." && name != "..";
  for (unsigned char c : name) plain = plain && c > 0x20 && c < 0x7f && c != '/';
  if (!plain) return fail(cat("resources.", key, ": \"", name, "\" is not a valid name"));
  return {};
}

Result<> add_rdma(const std::map<std::string, spec::RdmaLimit>& rdma, std::vector<Setting>& out) {
  for (const auto& [device, limit] : rdma) {
    TRY(check_name(device, "rdma"));
    std::string value = device;
    if (limit.hca_handles) value += cat(" hca_handle=", *limit.hca_handles);
    if (limit.hca_objects) value += cat(" hca_object=", *limit.hca_objects);
    if (value != device) out.push_back({"rdma", "rdma", "rdma.max", value});
  }
  return {};
}

std::vector<std::string> ignored_settings(const spec::Resources& resources, bool unified) {
  std::vector<std::string> warnings;
  if (!resources.memory) return warnings;
  const spec::MemoryResources& memory = *resources.memory;
  if (memory.kernel.value_or(0) > 0)
    warnings.push_back("memory.kernel is ignored: kernel memory counts as memory since Linux 5.16");
  if (unified && memory.kernel_tcp.value_or(0) > 0)
    warnings.push_back("memory.kernelTCP is ignored: cgroup v2 counts socket buffers as memory");
  if (unified && memory.disable_oom_killer.value_or(false))
    warnings.push_back("memory.disableOOMKiller is ignored: cgroup v2 has no such switch");
  if (unified && memory.swappiness && *memory.swappiness <= 100)
    warnings.push_back("memory.swappiness is ignored: cgroup v2 has no such value");
  return warnings;
}

}  // namespace bulkhead::cgroup
