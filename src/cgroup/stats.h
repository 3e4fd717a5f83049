// Numbers of a container's cgroups, as `events --stats` prints them (runc's JSON).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulkhead::cgroup {

struct MemoryCounter {
  std::uint64_t limit = 0, usage = 0, max = 0, failcnt = 0;
};

struct BlockIoEntry {
  std::uint64_t major = 0, minor = 0, value = 0;
  std::string op;
};

struct Stats {
  // Nanoseconds.
  std::uint64_t cpu_total_ns = 0, cpu_user_ns = 0, cpu_kernel_ns = 0;
  std::vector<std::uint64_t> cpu_percpu_ns;
  std::uint64_t throttled_periods = 0, throttling_periods = 0, throttled_time_ns = 0;
  // Bytes.
  MemoryCounter memory, swap, kernel, kernel_tcp;
  std::uint64_t memory_cache = 0;
  std::map<std::string, std::uint64_t> memory_raw;
  std::uint64_t pids_current = 0, pids_limit = 0;
  std::map<std::string, std::vector<BlockIoEntry>> block_io;  // "ioServiceBytesRecursive", ...
  std::map<std::string, MemoryCounter> hugetlb;
  std::uint64_t oom_kills = 0;
};

}  // namespace bulkhead::cgroup
