#include "cgroup/stats_read.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

// A file that this kernel lacks counts as 0: each release adds and drops some.
std::uint64_t number(BorrowedFd dir, const std::string& name) {
  return read_number(dir, name.c_str()).value_or(0);
}

std::string text_of(BorrowedFd dir, const std::string& name) {
  return read_file(dir, name.c_str()).value_or("");
}

std::uint64_t flat_number(std::string_view text, std::string_view key) {
  return parse_decimal<std::uint64_t>(flat_value(text, key)).value_or(0);
}

void read_raw(std::string_view text, Stats& stats) {
  for (std::string_view line : split(text, '\n')) {
    auto blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    if (auto value = parse_decimal<std::uint64_t>(line.substr(blank + 1)))
      stats.memory_raw[std::string(line.substr(0, blank))] = *value;
  }
}

MemoryCounter counter_v1(BorrowedFd dir, const std::string& prefix) {
  return {number(dir, prefix + "limit_in_bytes"), number(dir, prefix + "usage_in_bytes"),
          number(dir, prefix + "max_usage_in_bytes"), number(dir, prefix + "failcnt")};
}

void read_memory_v1(BorrowedFd dir, Stats& stats) {
  stats.memory = counter_v1(dir, "memory.");
  stats.swap = counter_v1(dir, "memory.memsw.");
  stats.kernel = counter_v1(dir, "memory.kmem.");
  stats.kernel_tcp = counter_v1(dir, "memory.kmem.tcp.");
  std::string text = text_of(dir, "memory.stat");
  read_raw(text, stats);
  stats.memory_cache = flat_number(text, "total_cache");
  stats.oom_kills = flat_number(text_of(dir, "memory.oom_control"), "oom_kill");
}

void read_cpuacct_v1(BorrowedFd dir, Stats& stats) {
  stats.cpu_total_ns = number(dir, "cpuacct.usage");
  std::string text = text_of(dir, "cpuacct.stat");
  std::uint64_t tick_ns = 1'000'000'000u / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  stats.cpu_user_ns = flat_number(text, "user") * tick_ns;
  stats.cpu_kernel_ns = flat_number(text, "system") * tick_ns;
  std::string percpu = text_of(dir, "cpuacct.usage_percpu");
  for (std::string_view word : split(trim(percpu), ' '))
    if (auto value = parse_decimal<std::uint64_t>(word)) stats.cpu_percpu_ns.push_back(*value);
}

void read_pids(BorrowedFd dir, Stats& stats) {
  stats.pids_current = number(dir, "pids.current");
  std::uint64_t limit = number(dir, "pids.max");
  stats.pids_limit = limit == UINT64_MAX ? 0 : limit;  // "max" is told as 0
}

// BFQ's numbers are the finer ones where that scheduler runs; the throttle layer sees all.
void read_blkio_v1(BorrowedFd dir, Stats& stats) {
  auto first = [dir](const std::string& name) {
    std::string text = text_of(dir, "blkio.bfq." + name);
    auto entries = parse_blkio_v1(text);
    return entries.empty() ? parse_blkio_v1(text_of(dir, "blkio.throttle." + name)) : entries;
  };
  stats.block_io["ioServiceBytesRecursive"] = first("io_service_bytes_recursive");
  stats.block_io["ioServicedRecursive"] = first("io_serviced_recursive");
  static constexpr std::pair<const char*, const char*> kBfqDebug[] = {
      {"ioQueueRecursive", "blkio.bfq.io_queued_recursive"},
      {"ioServiceTimeRecursive", "blkio.bfq.io_service_time_recursive"},
      {"ioWaitTimeRecursive", "blkio.bfq.io_wait_time_recursive"},
      {"ioMergedRecursive", "blkio.bfq.io_merged_recursive"},
      {"ioTimeRecursive", "blkio.bfq.time_recursive"},
      {"sectorsRecursive", "blkio.bfq.sectors_recursive"}};
  for (const auto& [key, file] : kBfqDebug)
    if (auto entries = parse_blkio_v1(text_of(dir, file)); !entries.empty())
      stats.block_io[key] = std::move(entries);
}

MemoryCounter counter_v2(BorrowedFd dir, const std::string& prefix, const char* limit) {
  return {number(dir, prefix + limit), number(dir, prefix + "current"),
          number(dir, prefix + "peak"), 0};
}

// As v1 (and runc) tell it, the swap counter is memory and swap together.
void read_memory_v2(BorrowedFd dir, Stats& stats) {
  stats.memory = counter_v2(dir, "memory.", "max");
  std::string events = text_of(dir, "memory.events");
  stats.memory.failcnt = flat_number(events, "max");
  stats.oom_kills = flat_number(events, "oom_kill");
  stats.swap = counter_v2(dir, "memory.swap.", "max");
  stats.swap.usage += stats.memory.usage;
  if (stats.swap.limit != UINT64_MAX)
    stats.swap.limit = stats.memory.limit == UINT64_MAX ? UINT64_MAX
                                                        : stats.swap.limit + stats.memory.limit;
  std::string text = text_of(dir, "memory.stat");
  read_raw(text, stats);
  stats.memory_cache = flat_number(text, "file");
}

void read_cpu_v2(BorrowedFd dir, Stats& stats) {
  std::string text = text_of(dir, "cpu.stat");
  stats.cpu_total_ns = flat_number(text, "usage_usec") * 1000;
  stats.cpu_user_ns = flat_number(text, "user_usec") * 1000;
  stats.cpu_kernel_ns = flat_number(text, "system_usec") * 1000;
  stats.throttled_periods = flat_number(text, "nr_throttled");
  stats.throttling_periods = flat_number(text, "nr_periods");
  stats.throttled_time_ns = flat_number(text, "throttled_usec") * 1000;
}

bool has_file(BorrowedFd dir, const std::string& name) {
  return faccessat(dir, name.c_str(), F_OK, 0) == 0;
}

}  // namespace

std::vector<BlockIoEntry> parse_blkio_v1(std::string_view text) {
  std::vector<BlockIoEntry> entries;
  for (std::string_view line : split(text, '\n')) {
    auto words = split(line, ' ');
    auto colon = words[0].find(':');
    if (words.size() < 2 || colon == std::string_view::npos) continue;  // "Total 0"
    auto major = parse_decimal<std::uint64_t>(words[0].substr(0, colon));
    auto minor = parse_decimal<std::uint64_t>(words[0].substr(colon + 1));
    auto value = parse_decimal<std::uint64_t>(words.back());
    if (!major || !minor || !value) continue;
    entries.push_back({*major, *minor, *value, words.size() > 2 ? std::string(words[1]) : ""});
  }
  return entries;
}

void parse_io_stat_v2(std::string_view text, Stats& stats) {
  static constexpr struct {
    std::string_view name;
    const char *list, *op;
  } kFields[] = {{"rbytes", "ioServiceBytesRecursive", "Read"},
                 {"wbytes", "ioServiceBytesRecursive", "Write"},
                 {"dbytes", "ioServiceBytesRecursive", "Discard"},
                 {"rios", "ioServicedRecursive", "Read"},
                 {"wios", "ioServicedRecursive", "Write"},
                 {"dios", "ioServicedRecursive", "Discard"}};
  for (std::string_view line : split(text, '\n')) {
    auto words = split(line, ' ');
    auto colon = words[0].find(':');
    if (colon == std::string_view::npos) continue;
    auto major = parse_decimal<std::uint64_t>(words[0].substr(0, colon));
    auto minor = parse_decimal<std::uint64_t>(words[0].substr(colon + 1));
    if (!major || !minor) continue;
    for (std::string_view word : words)
      for (const auto& field : kFields)
        if (word.starts_with(field.name) && word.substr(field.name.size()).starts_with('='))
          if (auto value = parse_decimal<std::uint64_t>(word.substr(field.name.size() + 1)))
            stats.block_io[field.list].push_back({*major, *minor, *value, field.op});
  }
}

std::string hugepage_size_name(std::string_view directory) {
  constexpr std::string_view kPrefix = "hugepages-", kSuffix = "kB";
  if (!directory.starts_with(kPrefix) || !directory.ends_with(kSuffix)) return {};
  directory.remove_prefix(kPrefix.size());
  directory.remove_suffix(kSuffix.size());
  std::uint64_t kb = parse_decimal<std::uint64_t>(directory).value_or(0);
  if (kb == 0) return {};
  if (kb >= 1u << 20) return cat(kb >> 20, "GB");
  return kb >= 1u << 10 ? cat(kb >> 10, "MB") : cat(kb, "KB");
}

std::vector<std::string> hugepage_sizes() {
  std::vector<std::string> sizes;
  auto names = child_names(AT_FDCWD, "/sys/kernel/mm/hugepages");
  if (!names) return sizes;
  for (const std::string& name : *names)
    if (std::string size = hugepage_size_name(name); !size.empty()) sizes.push_back(size);
  return sizes;
}

Result<Stats> read_stats_v1(const Lookup& lookup) {
  Stats stats;
  if (BorrowedFd dir = lookup("memory"); dir >= 0) read_memory_v1(dir, stats);
  if (BorrowedFd dir = lookup("cpuacct"); dir >= 0) read_cpuacct_v1(dir, stats);
  if (BorrowedFd dir = lookup("cpu"); dir >= 0) {
    std::string text = text_of(dir, "cpu.stat");
    stats.throttled_periods = flat_number(text, "nr_throttled");
    stats.throttling_periods = flat_number(text, "nr_periods");
    stats.throttled_time_ns = flat_number(text, "throttled_time");
  }
  if (BorrowedFd dir = lookup("pids"); dir >= 0) read_pids(dir, stats);
  if (BorrowedFd dir = lookup("blkio"); dir >= 0) read_blkio_v1(dir, stats);
  if (BorrowedFd dir = lookup("hugetlb"); dir >= 0)
    for (const std::string& size : hugepage_sizes())
      stats.hugetlb[size] = counter_v1(dir, cat("hugetlb.", size, "."));
  return stats;
}

Result<Stats> read_stats_v2(BorrowedFd dir) {
  Stats stats;
  read_cpu_v2(dir, stats);
  if (has_file(dir, "memory.current")) read_memory_v2(dir, stats);
  if (has_file(dir, "pids.current")) read_pids(dir, stats);
  parse_io_stat_v2(text_of(dir, "io.stat"), stats);
  for (const std::string& size : hugepage_sizes()) {
    std::string prefix = cat("hugetlb.", size, ".");
    if (!has_file(dir, prefix + "max")) continue;
    MemoryCounter counter = counter_v2(dir, prefix, "max");
    counter.failcnt = flat_number(text_of(dir, prefix + "events"), "max");
    stats.hugetlb[size] = counter;
  }
  return stats;
}

}  // namespace bulkhead::cgroup
