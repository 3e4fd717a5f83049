#include "cgroup/systemd_unit.h"

#include <algorithm>

#include "base/strings.h"
#include "cgroup/device_rules.h"
#include "cgroup/settings.h"

namespace bulkhead::cgroup {
namespace {

using Properties = std::vector<std::string>;

void add_number(Properties& out, std::string_view name, std::string_view value) {
  out.push_back(cat(name, "=t:", value));
}

// -1 is "no limit", 0 is "not asked".
void add_size(Properties& out, std::string_view name, std::optional<std::int64_t> value) {
  std::int64_t size = value.value_or(0);
  if (size != 0) add_number(out, name, size < 0 ? "max" : cat(size));
}

void add_mask(Properties& out, std::string_view name, std::string_view list) {
  if (std::string mask = mask_from_list(list); !mask.empty())
    out.push_back(cat(name, "=ay:", mask));
}

void add_quota(Properties& out, std::int64_t quota, std::uint64_t period) {
  if (period != 0) add_number(out, "CPUQuotaPeriodUSec", cat(period));
  if (quota < 0) add_number(out, "CPUQuotaPerSecUSec", "max");
  if (quota > 0) add_number(out, "CPUQuotaPerSecUSec", cat(quota_per_second_us(quota, period)));
}

Result<> add_memory(const spec::MemoryResources& memory, bool unified, Properties& out) {
  add_size(out, unified ? "MemoryMax" : "MemoryLimit", memory.limit);
  if (!unified) return {};
  add_size(out, "MemoryLow", memory.reservation);
  std::string swap = TRY(swap_max(memory.swap.value_or(0), memory.limit.value_or(0)));
  if (!swap.empty()) add_number(out, "MemorySwapMax", swap);
  return {};
}

void add_cpu(const spec::CpuResources& cpu, bool unified, Properties& out) {
  if (std::uint64_t shares = cpu.shares.value_or(0); shares != 0)
    add_number(out, unified ? "CPUWeight" : "CPUShares",
               cat(unified ? weight_from_shares(shares) : shares));
  add_quota(out, cpu.quota.value_or(0), cpu.period.value_or(0));
  if (!unified) return;
  add_mask(out, "AllowedCPUs", cpu.cpus);
  add_mask(out, "AllowedMemoryNodes", cpu.mems);
}

// The keys of `unified` that systemd has a property for. cpu.max is "quota period".
void add_unified(const std::string& key, std::string_view value, Properties& out) {
  static constexpr std::pair<std::string_view, std::string_view> kNumbers[] = {
      {"memory.min", "MemoryMin"},          {"memory.low", "MemoryLow"},
      {"memory.high", "MemoryHigh"},        {"memory.max", "MemoryMax"},
      {"memory.swap.max", "MemorySwapMax"}, {"cpu.weight", "CPUWeight"},
      {"pids.max", "TasksMax"}};
  value = trim(value);
  for (const auto& [file, name] : kNumbers)
    if (key == file && (value == "max" || parse_decimal<std::uint64_t>(value)))
      add_number(out, name, value);
  if (key == "cpuset.cpus") add_mask(out, "AllowedCPUs", value);
  if (key == "cpuset.mems") add_mask(out, "AllowedMemoryNodes", value);
  if (key != "cpu.max") return;
  auto words = split(value, ' ');
  auto period = words.size() > 1 ? parse_decimal<std::uint64_t>(words[1]) : std::nullopt;
  auto quota = words[0] == "max" ? -1 : parse_decimal<std::int64_t>(words[0]).value_or(0);
  add_quota(out, quota, period.value_or(0));
}

// systemd's way to say one rule; empty where it has none.
std::string device_pattern(const DeviceMatch& match, std::string_view proc_devices) {
  std::string kind = match.type == 'b' ? "block" : "char";
  if (match.major == kAny) return match.minor == kAny ? kind + "-*" : std::string();
  if (match.minor != kAny) return cat("/dev/", kind, "/", match.major, ":", match.minor);
  bool here = false;
  for (std::string_view line : split(proc_devices, '\n')) {
    if (line == "Character devices:") here = match.type == 'c';
    if (line == "Block devices:") here = match.type == 'b';
    auto words = split(trim(line), ' ');
    if (here && words.size() == 2 && parse_decimal<std::int64_t>(words[0]) == match.major)
      return cat(kind, "-", words[1]);
  }
  return {};
}

}  // namespace

std::string unit_name(const Location& location) {
  return cat(location.prefix, location.prefix.empty() ? "" : "-", location.name, ".scope");
}

std::uint64_t quota_per_second_us(std::int64_t quota_us, std::uint64_t period_us) {
  if (period_us == 0) period_us = 100000;
  std::uint64_t per_second = static_cast<std::uint64_t>(quota_us) * 1000000 / period_us;
  return (per_second + 9999) / 10000 * 10000;
}

std::string mask_from_list(std::string_view list) {
  std::vector<std::uint8_t> bytes;
  for (std::string_view range : split(trim(list), ',')) {
    auto dash = range.find('-');
    auto first = parse_decimal<std::uint32_t>(trim(range.substr(0, dash)));
    auto last = dash == std::string_view::npos
                    ? first
                    : parse_decimal<std::uint32_t>(trim(range.substr(dash + 1)));
    if (!first || !last || *first > *last || *last > 8191) return {};
    bytes.resize(std::max<std::size_t>(bytes.size(), *last / 8 + 1));
    for (std::uint32_t bit = *first; bit <= *last; ++bit)
      bytes[bit / 8] |= static_cast<std::uint8_t>(1 << bit % 8);
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

Result<std::vector<std::string>> unit_properties(const spec::Resources& resources, bool unified) {
  Properties out;
  if (resources.memory) TRY(add_memory(*resources.memory, unified, out));
  if (resources.cpu) add_cpu(*resources.cpu, unified, out);
  if (std::int64_t limit = resources.pids_limit.value_or(0); limit != 0)
    add_number(out, "TasksMax", limit < 0 ? "max" : cat(limit));
  if (!unified && resources.block_io && resources.block_io->weight.value_or(0) != 0)
    add_number(out, "BlockIOWeight", cat(*resources.block_io->weight));
  if (unified)
    for (const auto& [key, value] : resources.unified) add_unified(key, value, out);
  return out;
}

std::vector<std::string> device_properties(const spec::Resources& resources,
                                           std::string_view proc_devices) {
  auto policy = device_policy(resources.devices);
  if (!policy || policy->default_allow) return {"DevicePolicy=s:auto", "DeviceAllow=a(ss):"};
  auto exceptions = device_exceptions(*policy);
  std::string allow;
  for (const DeviceMatch& match : exceptions.value_or(std::vector<DeviceMatch>())) {
    std::string pattern = device_pattern(match, proc_devices);
    if (pattern.empty()) continue;
    std::string access = device_text(match);
    allow += cat(allow.empty() ? "" : ";", pattern, " ", access.substr(access.rfind(' ') + 1));
  }
  return {"DevicePolicy=s:strict", "DeviceAllow=a(ss):", cat("DeviceAllow=a(ss):", allow)};
}

}  // namespace bulkhead::cgroup
