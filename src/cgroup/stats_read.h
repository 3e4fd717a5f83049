// The files behind Stats.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/apply.h"
#include "cgroup/stats.h"

namespace bulkhead::cgroup {

// What the hierarchies that are there tell; parts of absent ones stay zero.
Result<Stats> read_stats_v1(const Lookup& lookup);
Result<Stats> read_stats_v2(BorrowedFd dir);

// Sizes as hugetlb files name them ("2MB", "1GB"), from /sys/kernel/mm/hugepages.
std::vector<std::string> hugepage_sizes();

// "hugepages-2048kB" -> "2MB"; empty for another name.
std::string hugepage_size_name(std::string_view directory);

// "8:0 Read 4096" lines of v1 ("Total" sums without a device left out) and "8:0 rbytes=1 wbytes=2
// rios=3 ..." lines of v2.
std::vector<BlockIoEntry> parse_blkio_v1(std::string_view text);
void parse_io_stat_v2(std::string_view text, Stats& stats);

}  // namespace bulkhead::cgroup
