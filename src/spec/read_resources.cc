// linux.resources: what becomes control group settings. Only types are checked here; which values
// a controller takes is the kernel's word.
#include "spec/tables.h"

namespace bulkhead::spec {

using json::custom;
using json::field;
using json::fields;
using json::kRequired;
using json::Path;
using json::Table;
using json::Value;

namespace {

struct Pids {
  std::optional<std::int64_t> limit;
};

Table<Pids> fields_of(std::type_identity<Pids>) {
  static constexpr auto kFields = fields<Pids>({{"limit", field<&Pids::limit>}});
  return {kFields};
}

Result<> read_pids(Resources& out, const Value& value, const Path& path) {
  out.pids_limit = TRY(json::read<Pids>(value, path)).limit;
  return {};
}

// Docker's "-1: the default" arrives as the unsigned -1.
Result<> read_swappiness(MemoryResources& out, const Value& value, const Path& path) {
  TRY(json::read_value(out.swappiness, value, path));
  if (out.swappiness == UINT64_MAX) out.swappiness.reset();
  return {};
}

}  // namespace

Table<MemoryResources> fields_of(std::type_identity<MemoryResources>) {
  static constexpr auto kFields = fields<MemoryResources>({
      {"limit", field<&MemoryResources::limit>},
      {"reservation", field<&MemoryResources::reservation>},
      {"swap", field<&MemoryResources::swap>},
      {"kernel", field<&MemoryResources::kernel>},
      {"kernelTCP", field<&MemoryResources::kernel_tcp>},
      {"swappiness", custom<read_swappiness>},
      {"disableOOMKiller", field<&MemoryResources::disable_oom_killer>},
      {"useHierarchy", field<&MemoryResources::use_hierarchy>},
      {"checkBeforeUpdate", field<&MemoryResources::check_before_update>},
  });
  return {kFields};
}

Table<CpuResources> fields_of(std::type_identity<CpuResources>) {
  static constexpr auto kFields = fields<CpuResources>({
      {"shares", field<&CpuResources::shares>},
      {"quota", field<&CpuResources::quota>},
      {"burst", field<&CpuResources::burst>},
      {"period", field<&CpuResources::period>},
      {"realtimeRuntime", field<&CpuResources::realtime_runtime>},
      {"realtimePeriod", field<&CpuResources::realtime_period>},
      {"cpus", field<&CpuResources::cpus>},
      {"mems", field<&CpuResources::mems>},
      {"idle", field<&CpuResources::idle>},
  });
  return {kFields};
}

Table<HugepageLimit> fields_of(std::type_identity<HugepageLimit>) {
  static constexpr auto kFields = fields<HugepageLimit>({
      {"pageSize", field<&HugepageLimit::page_size>, kRequired},
      {"limit", field<&HugepageLimit::limit>, kRequired},
  });
  return {kFields};
}

Table<InterfacePriority> fields_of(std::type_identity<InterfacePriority>) {
  static constexpr auto kFields = fields<InterfacePriority>({
      {"name", field<&InterfacePriority::name>, kRequired},
      {"priority", field<&InterfacePriority::priority>, kRequired},
  });
  return {kFields};
}

Table<NetworkResources> fields_of(std::type_identity<NetworkResources>) {
  static constexpr auto kFields = fields<NetworkResources>({
      {"classID", field<&NetworkResources::class_id>},
      {"priorities", field<&NetworkResources::priorities>},
  });
  return {kFields};
}

Table<RdmaLimit> fields_of(std::type_identity<RdmaLimit>) {
  static constexpr auto kFields = fields<RdmaLimit>({
      {"hcaHandles", field<&RdmaLimit::hca_handles>},
      {"hcaObjects", field<&RdmaLimit::hca_objects>},
  });
  return {kFields};
}

Table<WeightDevice> fields_of(std::type_identity<WeightDevice>) {
  static constexpr auto kFields = fields<WeightDevice>({
      {"major", field<&WeightDevice::major>, kRequired},
      {"minor", field<&WeightDevice::minor>, kRequired},
      {"weight", field<&WeightDevice::weight>},
      {"leafWeight", field<&WeightDevice::leaf_weight>},
  });
  return {kFields};
}

Table<ThrottleDevice> fields_of(std::type_identity<ThrottleDevice>) {
  static constexpr auto kFields = fields<ThrottleDevice>({
      {"major", field<&ThrottleDevice::major>, kRequired},
      {"minor", field<&ThrottleDevice::minor>, kRequired},
      {"rate", field<&ThrottleDevice::rate>, kRequired},
  });
  return {kFields};
}

Table<BlockIoResources> fields_of(std::type_identity<BlockIoResources>) {
  using Io = BlockIoResources;
  static constexpr auto kFields = fields<Io>({
      {"weight", field<&Io::weight>},
      {"leafWeight", field<&Io::leaf_weight>},
      {"weightDevice", field<&Io::weight_device>},
      {"throttleReadBpsDevice", field<&Io::throttle_read_bps>},
      {"throttleWriteBpsDevice", field<&Io::throttle_write_bps>},
      {"throttleReadIOPSDevice", field<&Io::throttle_read_iops>},
      {"throttleWriteIOPSDevice", field<&Io::throttle_write_iops>},
  });
  return {kFields};
}

Table<Resources> fields_of(std::type_identity<Resources>) {
  static constexpr auto kFields = fields<Resources>({
      {"devices", field<&Resources::devices>},
      {"memory", field<&Resources::memory>},
      {"cpu", field<&Resources::cpu>},
      {"pids", custom<read_pids>},
      {"blockIO", field<&Resources::block_io>},
      {"hugepageLimits", field<&Resources::hugepage_limits>},
      {"network", field<&Resources::network>},
      {"rdma", field<&Resources::rdma>},
      {"unified", field<&Resources::unified>},
  });
  return {kFields};
}

}  // namespace bulkhead::spec
