#include "base/strings.h"
#include "cgroup/settings.h"

namespace bulkhead::cgroup {
namespace {

using Settings = std::vector<Setting>;

std::string size_or_max(std::int64_t value) { return value == -1 ? "max" : cat(value); }

Result<> add_memory(const spec::MemoryResources& memory, Settings& out) {
  std::int64_t limit = memory.limit.value_or(0), low = memory.reservation.value_or(0);
  if (limit < -1) return fail(cat("resources.memory.limit: ", limit, " is no size"));
  if (low < -1) return fail(cat("resources.memory.reservation: ", low, " is no size"));
  std::string swap = TRY(swap_max(memory.swap.value_or(0), limit));
  if (!swap.empty()) {
    out.push_back({"memory", "memory.swap", "memory.swap.max", swap});
    // Kernels without swap accounting lack the file; that no swap is limited is then no news.
    out.back().optional = swap == "max";
  }
  if (limit != 0) out.push_back({"memory", "memory.limit", "memory.max", size_or_max(limit)});
  if (low != 0) out.push_back({"memory", "memory.reservation", "memory.low", size_or_max(low)});
  return {};
}

Result<> add_cpu(const spec::CpuResources& cpu, Settings& out) {
  if (cpu.realtime_period.value_or(0) != 0 || cpu.realtime_runtime.value_or(0) != 0)
    return fail("resources.cpu.realtimeRuntime, realtimePeriod: cgroup v2 has no realtime limits");
  bool idle = cpu.idle.value_or(0) != 0;
  // An idle group has no weight: while it is one the kernel refuses to set it.
  std::uint64_t weight = idle ? 0 : weight_from_shares(cpu.shares.value_or(0));
  if (weight != 0) {
    out.push_back({"cpu", "cpu.shares", "cpu.weight", cat(weight)});
    out.back().swap_on_einval = cpu.idle.has_value();
  }
  if (cpu.idle) {
    out.push_back({"cpu", "cpu.idle", "cpu.idle", cat(*cpu.idle)});
    out.back().optional = !idle;
  }
  std::int64_t quota = cpu.quota.value_or(0);
  std::uint64_t period = cpu.period.value_or(0);
  std::string quota_text = quota < 0 ? "max" : cat(quota);
  if (quota != 0)
    out.push_back({"cpu", "cpu.quota", "cpu.max",
                   period == 0 ? quota_text : cat(quota_text, " ", period)});
  else if (period != 0)
    out.push_back({.controller = "cpu", .key = "cpu.period", .file = "cpu.max",
                   .value = cat(period), .keep_first_word = true});
  if (cpu.burst) {
    out.push_back({"cpu", "cpu.burst", "cpu.max.burst", cat(*cpu.burst)});
    out.back().optional = *cpu.burst == 0;
  }
  if (!cpu.cpus.empty()) out.push_back({"cpuset", "cpu.cpus", "cpuset.cpus", cpu.cpus});
  if (!cpu.mems.empty()) out.push_back({"cpuset", "cpu.mems", "cpuset.mems", cpu.mems});
  return {};
}

void add_throttle(const std::vector<spec::ThrottleDevice>& devices, const char* key,
                  const char* limit, Settings& out) {
  for (const spec::ThrottleDevice& device : devices)
    out.push_back({"io", cat("blockIO.", key), "io.max",
                   cat(device.major, ":", device.minor, " ", limit, "=",
                       device.rate == 0 ? "max" : cat(device.rate))});
}

Result<> add_block_io(const spec::BlockIoResources& io, Settings& out) {
  bool leaf = io.leaf_weight.value_or(0) != 0;
  if (std::uint64_t weight = io.weight.value_or(0); weight != 0)
    out.push_back({"io", "blockIO.weight", "io.bfq.weight", cat(weight), "io.weight",
                   cat(io_weight_from_blkio(weight))});
  for (const spec::WeightDevice& device : io.weight_device) {
    leaf = leaf || device.leaf_weight.value_or(0) != 0;
    std::uint64_t weight = device.weight.value_or(0);
    std::string number = cat(device.major, ":", device.minor, " ");
    if (weight != 0)
      out.push_back({"io", "blockIO.weightDevice", "io.bfq.weight", cat(number, weight),
                     "io.weight", cat(number, io_weight_from_blkio(weight))});
  }
  if (leaf) return fail("resources.blockIO.leafWeight: cgroup v2 has no leaf weights");
  add_throttle(io.throttle_read_bps, "throttleReadBpsDevice", "rbps", out);
  add_throttle(io.throttle_write_bps, "throttleWriteBpsDevice", "wbps", out);
  add_throttle(io.throttle_read_iops, "throttleReadIOPSDevice", "riops", out);
  add_throttle(io.throttle_write_iops, "throttleWriteIOPSDevice", "wiops", out);
  return {};
}

Result<> add_the_rest(const spec::Resources& resources, Settings& out) {
  if (std::int64_t limit = resources.pids_limit.value_or(0); limit != 0)
    out.push_back({"pids", "pids.limit", "pids.max", limit < 0 ? "max" : cat(limit)});
  for (const spec::HugepageLimit& huge : resources.hugepage_limits) {
    TRY(check_name(huge.page_size, "hugepageLimits.pageSize"));
    std::string prefix = cat("hugetlb.", huge.page_size);
    out.push_back({"hugetlb", "hugepageLimits", prefix + ".max", cat(huge.limit)});
    out.push_back({"hugetlb", "hugepageLimits", prefix + ".rsvd.max", cat(huge.limit)});
    out.back().optional = true;  // reservations are counted since Linux 5.7
  }
  if (resources.network && resources.network->class_id.value_or(0) != 0)
    return fail("resources.network.classID: cgroup v2 has no net_cls controller");
  if (resources.network && !resources.network->priorities.empty())
    return fail("resources.network.priorities: cgroup v2 has no net_prio controller");
  return add_rdma(resources.rdma, out);
}

// Files of the cgroup itself, not of a controller: they move, stop or kill processes or change who
// may do what. None is a resource.
bool is_core_control(std::string_view key) {
  return key.starts_with("cgroup.") && key != "cgroup.max.descendants" && key != "cgroup.max.depth";
}

Result<> add_unified(const spec::StringMap& unified, Settings& out) {
  for (const auto& [key, value] : unified) {
    std::string name = cat("unified[\"", key, "\"]");
    auto dot = key.find('.');
    bool plain = dot != std::string::npos && dot != 0;
    for (unsigned char c : key) plain = plain && c > 0x20 && c < 0x7f && c != '/';
    if (!plain || key.find("..") != std::string::npos)
      return fail(cat("resources.", name, ": not the name of a control file"));
    if (is_core_control(key)) return fail(cat("resources.", name, ": not a resource"));
    // cgroupfs takes a line per write (io.max: one device).
    for (std::string_view line : split(value, '\n'))
      if (!line.empty())
        out.push_back({key.substr(0, dot), name, key, std::string(line)});
  }
  return {};
}

}  // namespace

Result<std::vector<Setting>> settings_v2(const spec::Resources& resources) {
  Settings out;
  if (resources.memory) TRY(add_memory(*resources.memory, out));
  if (resources.cpu) TRY(add_cpu(*resources.cpu, out));
  if (resources.block_io) TRY(add_block_io(*resources.block_io, out));
  TRY(add_the_rest(resources, out));
  TRY(add_unified(resources.unified, out));
  return out;
}

}  // namespace bulkhead::cgroup
