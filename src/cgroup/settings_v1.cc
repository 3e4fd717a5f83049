#include "base/strings.h"
#include "cgroup/settings.h"

namespace bulkhead::cgroup {
namespace {

using Settings = std::vector<Setting>;

Result<> add_memory(const spec::MemoryResources& memory, Settings& out) {
  std::int64_t limit = memory.limit.value_or(0);
  std::int64_t swap = memory.swap.value_or(0);
  if (limit < -1) return fail(cat("resources.memory.limit: ", limit, " is no size"));
  if (swap < -1) return fail(cat("resources.memory.swap: ", swap, " is no size"));
  if (limit > 0 && swap > 0 && swap < limit)
    return fail(cat("resources.memory.swap: ", swap, " is below memory.limit ", limit));
  // "No limit of memory" cannot hold under a limit of memory and swap: it lifts that one too, where
  // swap is accounted at all.
  bool lift_swap = limit == -1 && swap == 0;
  if (lift_swap) swap = -1;
  if (limit != 0)
    out.push_back({"memory", "memory.limit", "memory.limit_in_bytes", cat(limit)});
  if (swap != 0) {
    if (limit != 0) out.back().swap_on_einval = true;
    out.push_back({"memory", "memory.swap", "memory.memsw.limit_in_bytes", cat(swap)});
    out.back().optional = lift_swap;
  }
  if (memory.reservation.value_or(0) != 0)
    out.push_back({"memory", "memory.reservation", "memory.soft_limit_in_bytes",
                   cat(*memory.reservation)});
  if (memory.kernel_tcp.value_or(0) != 0)
    out.push_back({"memory", "memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes",
                   cat(*memory.kernel_tcp)});
  // UINT64_MAX is the -1 by which callers say "leave it".
  if (memory.swappiness && *memory.swappiness != UINT64_MAX) {
    if (*memory.swappiness > 100) return fail("resources.memory.swappiness: above 100");
    out.push_back({"memory", "memory.swappiness", "memory.swappiness", cat(*memory.swappiness)});
  }
  if (memory.disable_oom_killer.value_or(false))
    out.push_back({"memory", "memory.disableOOMKiller", "memory.oom_control", "1"});
  return {};
}

// Two numbers of which the kernel only accepts consistent pairs; the order depends on the old ones.
void add_pair(Settings& out, Setting first, Setting second) {
  bool both = !first.value.empty() && !second.value.empty();
  first.swap_on_einval = both;
  if (!first.value.empty()) out.push_back(std::move(first));
  if (!second.value.empty()) out.push_back(std::move(second));
}

template <typename Int>
std::string nonzero(const std::optional<Int>& value) {
  return value.value_or(0) != 0 ? cat(*value) : std::string();
}

Result<> add_cpu(const spec::CpuResources& cpu, Settings& out) {
  // The kernel clamps silently; a container that asked for more should hear of it.
  bool idle = cpu.idle.value_or(0) != 0;
  if (std::uint64_t shares = cpu.shares.value_or(0); shares != 0 && !idle) {
    if (shares < 2) return fail("resources.cpu.shares: the minimum allowed cpu-shares is 2");
    if (shares > 262144)
      return fail("resources.cpu.shares: the maximum allowed cpu-shares is 262144");
    out.push_back({"cpu", "cpu.shares", "cpu.shares", cat(shares)});
    out.back().swap_on_einval = cpu.idle.has_value();
  }
  // An idle group has no shares: while it is one the kernel refuses to set them.
  if (cpu.idle) {
    out.push_back({"cpu", "cpu.idle", "cpu.idle", cat(*cpu.idle)});
    out.back().optional = !idle;
  }
  add_pair(out, {"cpu", "cpu.period", "cpu.cfs_period_us", nonzero(cpu.period)},
           {"cpu", "cpu.quota", "cpu.cfs_quota_us", nonzero(cpu.quota)});
  if (cpu.burst) {
    // A burst may not be above the quota: without one, 0 is all there is.
    out.push_back({"cpu", "cpu.burst", "cpu.cfs_burst_us", cat(*cpu.burst)});
    out.back().optional = *cpu.burst == 0;
  }
  add_pair(out, {"cpu", "cpu.realtimePeriod", "cpu.rt_period_us", nonzero(cpu.realtime_period)},
           {"cpu", "cpu.realtimeRuntime", "cpu.rt_runtime_us", nonzero(cpu.realtime_runtime)});
  if (!cpu.cpus.empty()) out.push_back({"cpuset", "cpu.cpus", "cpuset.cpus", cpu.cpus});
  if (!cpu.mems.empty()) out.push_back({"cpuset", "cpu.mems", "cpuset.mems", cpu.mems});
  return {};
}

void add_throttle(const std::vector<spec::ThrottleDevice>& devices, const char* key,
                  const char* file, Settings& out) {
  for (const spec::ThrottleDevice& device : devices)
    out.push_back({"blkio", cat("blockIO.", key), cat("blkio.throttle.", file),
                   cat(device.major, ":", device.minor, " ", device.rate)});
}

void add_block_io(const spec::BlockIoResources& io, Settings& out) {
  // CFQ's files (blkio.weight) went with Linux 5.0; BFQ has its own, of the same range.
  if (io.weight.value_or(0) != 0)
    out.push_back({"blkio", "blockIO.weight", "blkio.weight", cat(*io.weight), "blkio.bfq.weight",
                   cat(*io.weight)});
  if (io.leaf_weight.value_or(0) != 0)
    out.push_back({"blkio", "blockIO.leafWeight", "blkio.leaf_weight", cat(*io.leaf_weight)});
  for (const spec::WeightDevice& device : io.weight_device) {
    std::string number = cat(device.major, ":", device.minor, " ");
    if (device.weight.value_or(0) != 0) {
      std::string value = cat(number, *device.weight);
      out.push_back({"blkio", "blockIO.weightDevice", "blkio.weight_device", value,
                     "blkio.bfq.weight_device", value});
    }
    if (device.leaf_weight.value_or(0) != 0)
      out.push_back({"blkio", "blockIO.weightDevice.leafWeight", "blkio.leaf_weight_device",
                     cat(number, *device.leaf_weight)});
  }
  add_throttle(io.throttle_read_bps, "throttleReadBpsDevice", "read_bps_device", out);
  add_throttle(io.throttle_write_bps, "throttleWriteBpsDevice", "write_bps_device", out);
  add_throttle(io.throttle_read_iops, "throttleReadIOPSDevice", "read_iops_device", out);
  add_throttle(io.throttle_write_iops, "throttleWriteIOPSDevice", "write_iops_device", out);
}

Result<> add_the_rest(const spec::Resources& resources, Settings& out) {
  if (std::int64_t limit = resources.pids_limit.value_or(0); limit != 0)
    out.push_back({"pids", "pids.limit", "pids.max", limit < 0 ? "max" : cat(limit)});
  for (const spec::HugepageLimit& huge : resources.hugepage_limits) {
    TRY(check_name(huge.page_size, "hugepageLimits.pageSize"));
    std::string prefix = cat("hugetlb.", huge.page_size);
    out.push_back({"hugetlb", "hugepageLimits", prefix + ".limit_in_bytes", cat(huge.limit)});
    out.push_back({"hugetlb", "hugepageLimits", prefix + ".rsvd.limit_in_bytes", cat(huge.limit)});
    out.back().optional = true;  // reservations are counted since Linux 5.7
  }
  if (resources.network && resources.network->class_id.value_or(0) != 0)
    out.push_back({"net_cls", "network.classID", "net_cls.classid",
                   cat(*resources.network->class_id)});
  if (resources.network)
    for (const spec::InterfacePriority& one : resources.network->priorities) {
      TRY(check_name(one.name, "network.priorities.name"));
      out.push_back({"net_prio", "network.priorities", "net_prio.ifpriomap",
                     cat(one.name, " ", one.priority)});
    }
  return add_rdma(resources.rdma, out);
}

}  // namespace

Result<std::vector<Setting>> settings_v1(const spec::Resources& resources) {
  Settings out;
  if (!resources.unified.empty())
    return fail(
        "resources.unified: this host runs cgroup v1; use the v1 keys of the specification");
  if (resources.memory) TRY(add_memory(*resources.memory, out));
  if (resources.cpu) TRY(add_cpu(*resources.cpu, out));
  if (resources.block_io) add_block_io(*resources.block_io, out);
  TRY(add_the_rest(resources, out));
  return out;
}

}  // namespace bulkhead::cgroup
