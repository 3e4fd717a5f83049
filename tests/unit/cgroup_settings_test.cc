// Resources to control files, as tables.
#include <gtest/gtest.h>

#include "cgroup/settings.h"

namespace bulkhead::cgroup {
namespace {

using spec::Resources;

std::string show(const Result<std::vector<Setting>>& settings) {
  if (!settings) return "error: " + settings.error().message;
  std::string text;
  for (const Setting& setting : *settings) {
    text += setting.file + "=" + setting.value;
    if (!setting.other_file.empty()) text += "|" + setting.other_file + "=" + setting.other_value;
    if (setting.optional) text += "?";
    if (setting.swap_on_einval) text += "<";
    text += ";";
  }
  return text;
}

Resources memory(std::optional<std::int64_t> limit, std::optional<std::int64_t> swap) {
  Resources resources;
  resources.memory = spec::MemoryResources{.limit = limit, .swap = swap};
  return resources;
}

// Docker's config of a plain `docker run` (20.10).
Resources docker_default() {
  Resources resources;
  resources.memory = spec::MemoryResources{.disable_oom_killer = false};
  resources.cpu = spec::CpuResources{.shares = 0};
  resources.block_io = spec::BlockIoResources{.weight = 0};
  return resources;
}

TEST(CgroupSettings, DockerDefaultWritesNothing) {
  EXPECT_EQ(show(settings_v1(docker_default())), "");
}

TEST(CgroupSettings, MemoryV1) {
  EXPECT_EQ(show(settings_v1(memory(4096, {}))), "memory.limit_in_bytes=4096;");
  EXPECT_EQ(show(settings_v1(memory(4096, 8192))),
            "memory.limit_in_bytes=4096<;memory.memsw.limit_in_bytes=8192;");
  EXPECT_EQ(show(settings_v1(memory(4096, -1))),
            "memory.limit_in_bytes=4096<;memory.memsw.limit_in_bytes=-1;");
  EXPECT_EQ(show(settings_v1(memory(-1, {}))),
            "memory.limit_in_bytes=-1<;memory.memsw.limit_in_bytes=-1?;");
  EXPECT_EQ(show(settings_v1(memory({}, 8192))), "memory.memsw.limit_in_bytes=8192;");
  EXPECT_EQ(show(settings_v1(memory(0, 0))), "");
  EXPECT_TRUE(show(settings_v1(memory(8192, 4096))).starts_with("error: resources.memory.swap"));
  EXPECT_TRUE(show(settings_v1(memory(-2, {}))).starts_with("error: resources.memory.limit"));
}

TEST(CgroupSettings, SharesToWeight) {
  EXPECT_EQ(weight_from_shares(0), 0u);
  EXPECT_EQ(weight_from_shares(1), 1u);
  EXPECT_EQ(weight_from_shares(2), 1u);
  EXPECT_EQ(weight_from_shares(1024), 100u);
  EXPECT_EQ(weight_from_shares(262144), 10000u);
  EXPECT_EQ(weight_from_shares(UINT64_MAX), 10000u);
  for (std::uint64_t shares = 2, last = 0; shares < 300000; shares += 37) {
    std::uint64_t weight = weight_from_shares(shares);
    ASSERT_GE(weight, last);
    ASSERT_LE(weight, 10000u);
    last = weight;
  }
}

TEST(CgroupSettings, BlkioToIoWeight) {
  EXPECT_EQ(io_weight_from_blkio(0), 0u);
  EXPECT_EQ(io_weight_from_blkio(10), 1u);
  EXPECT_EQ(io_weight_from_blkio(500), 4950u);
  EXPECT_EQ(io_weight_from_blkio(1000), 10000u);
}

TEST(CgroupSettings, SwapMax) {
  EXPECT_EQ(swap_max(0, 4096).value(), "");
  EXPECT_EQ(swap_max(0, -1).value(), "max");
  EXPECT_EQ(swap_max(-1, 4096).value(), "max");
  EXPECT_EQ(swap_max(8192, 4096).value(), "4096");
  EXPECT_EQ(swap_max(4096, 4096).value(), "0");
  EXPECT_FALSE(swap_max(8192, 0));
  EXPECT_FALSE(swap_max(8192, -1));
  EXPECT_FALSE(swap_max(4096, 8192));
  EXPECT_FALSE(swap_max(-2, 8192));
}

}  // namespace
}  // namespace bulkhead::cgroup
