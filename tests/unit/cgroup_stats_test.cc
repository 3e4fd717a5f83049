// Parsing of what the kernel tells.
#include <gtest/gtest.h>

#include "cgroup/files.h"
#include "cgroup/stats_read.h"

namespace bulkhead::cgroup {
namespace {

TEST(CgroupStats, FlatValue) {
  std::string_view text = "usage 5\nusage_user 7\nlast 9";
  EXPECT_EQ(flat_value(text, "usage"), "5");
  EXPECT_EQ(flat_value(text, "usage_user"), "7");
  EXPECT_EQ(flat_value(text, "last"), "9");
  EXPECT_EQ(flat_value(text, "user"), "");
  EXPECT_EQ(flat_value("", "x"), "");
}

TEST(CgroupStats, BlkioV1) {
  auto entries =
      parse_blkio_v1("8:0 Read 4096\n8:0 Total 4096\n253:16 77\nTotal 4096\n\nx:y Read 1\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].major, 8u);
  EXPECT_EQ(entries[0].op, "Read");
  EXPECT_EQ(entries[0].value, 4096u);
  EXPECT_EQ(entries[1].op, "Total");
  EXPECT_EQ(entries[2].minor, 16u);
  EXPECT_EQ(entries[2].op, "");
}

TEST(CgroupStats, IoStatV2) {
  Stats stats;
  parse_io_stat_v2("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\nbad line\n9:1 rbytes=7\n",
                   stats);
  auto& bytes = stats.block_io["ioServiceBytesRecursive"];
  ASSERT_EQ(bytes.size(), 4u);
  EXPECT_EQ(bytes[0].op, "Read");
  EXPECT_EQ(bytes[2].op, "Discard");
  EXPECT_EQ(bytes[3].major, 9u);
  EXPECT_EQ(stats.block_io["ioServicedRecursive"].size(), 3u);
}

TEST(CgroupStats, HugepageNames) {
  EXPECT_EQ(hugepage_size_name("hugepages-2048kB"), "2MB");
  EXPECT_EQ(hugepage_size_name("hugepages-1048576kB"), "1GB");
  EXPECT_EQ(hugepage_size_name("hugepages-64kB"), "64KB");
  EXPECT_EQ(hugepage_size_name("hugepages-kB"), "");
  EXPECT_EQ(hugepage_size_name("other"), "");
}

}  // namespace
}  // namespace bulkhead::cgroup
