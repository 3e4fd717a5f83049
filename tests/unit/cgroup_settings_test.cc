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


TEST(CgroupSettings, CpuV1) {
  Resources resources;
  resources.cpu = spec::CpuResources{.shares = 512, .burst = 1000, .period = 50000, .quota = 25000,
                                     .cpus = "0-1", .mems = "0"};
  EXPECT_EQ(show(settings_v1(resources)),
            "cpu.shares=512;cpu.cfs_period_us=50000<;cpu.cfs_quota_us=25000;cpu.cfs_burst_us=1000;"
            "cpuset.cpus=0-1;cpuset.mems=0;");
  resources.cpu = spec::CpuResources{.shares = 512, .idle = 0};
  EXPECT_EQ(show(settings_v1(resources)), "cpu.shares=512<;cpu.idle=0?;");
  resources.cpu = spec::CpuResources{.shares = 512, .idle = 1};
  EXPECT_EQ(show(settings_v1(resources)), "cpu.idle=1;");
  resources.cpu = spec::CpuResources{.realtime_period = 1000000, .realtime_runtime = 950000};
  EXPECT_EQ(show(settings_v1(resources)), "cpu.rt_period_us=1000000<;cpu.rt_runtime_us=950000;");
  resources.cpu = spec::CpuResources{.shares = 1};
  EXPECT_NE(show(settings_v1(resources)).find("minimum allowed cpu-shares is 2"),
            std::string::npos);
  resources.cpu = spec::CpuResources{.shares = 262145};
  EXPECT_NE(show(settings_v1(resources)).find("maximum allowed"), std::string::npos);
}

TEST(CgroupSettings, TheRestV1) {
  Resources resources;
  resources.pids_limit = -1;
  resources.hugepage_limits = {{.page_size = "2MB", .limit = 4096}};
  resources.network = spec::NetworkResources{.class_id = 5, .priorities = {{"eth0", 3}}};
  resources.rdma["mlx5_1"] = {.hca_handles = 3, .hca_objects = 10000};
  EXPECT_EQ(show(settings_v1(resources)),
            "pids.max=max;hugetlb.2MB.limit_in_bytes=4096;hugetlb.2MB.rsvd.limit_in_bytes=4096?;"
            "net_cls.classid=5;net_prio.ifpriomap=eth0 3;"
            "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;");
  resources = {};
  resources.unified["memory.max"] = "1";
  EXPECT_NE(show(settings_v1(resources)).find("resources.unified"), std::string::npos);
}

TEST(CgroupSettings, BlockIoV1) {
  Resources resources;
  resources.block_io = spec::BlockIoResources{
      .weight = 500, .weight_device = {{.major = 8, .minor = 0, .weight = 100}},
      .throttle_write_iops = {{.major = 8, .minor = 16, .rate = 300}}};
  EXPECT_EQ(show(settings_v1(resources)),
            "blkio.weight=500|blkio.bfq.weight=500;"
            "blkio.weight_device=8:0 100|blkio.bfq.weight_device=8:0 100;"
            "blkio.throttle.write_iops_device=8:16 300;");
}

TEST(CgroupSettings, NamesCannotLeaveTheCgroup) {
  for (const char* name : {"../x", "a/b", "", "a b", "a\nb", ".."}) {
    Resources resources;
    resources.hugepage_limits = {{.page_size = name, .limit = 1}};
    EXPECT_FALSE(settings_v1(resources)) << name;
    EXPECT_FALSE(settings_v2(resources)) << name;
    resources = {};
    resources.rdma[name] = {.hca_handles = 1};
    EXPECT_FALSE(settings_v1(resources)) << name;
    EXPECT_FALSE(settings_v2(resources)) << name;
  }
}

TEST(CgroupSettings, DockerDefaultWritesNothingOnV2) {
  EXPECT_EQ(show(settings_v2(docker_default())), "");
}

TEST(CgroupSettings, MemoryV2) {
  EXPECT_EQ(show(settings_v2(memory(4096, {}))), "memory.max=4096;");
  EXPECT_EQ(show(settings_v2(memory(4096, 8192))), "memory.swap.max=4096;memory.max=4096;");
  EXPECT_EQ(show(settings_v2(memory(4096, -1))), "memory.swap.max=max?;memory.max=4096;");
  EXPECT_EQ(show(settings_v2(memory(-1, 0))), "memory.swap.max=max?;memory.max=max;");
  EXPECT_TRUE(show(settings_v2(memory({}, 8192))).starts_with("error: resources.memory.swap"));
}

TEST(CgroupSettings, CpuV2) {
  Resources resources;
  resources.cpu =
      spec::CpuResources{.shares = 1024, .burst = 1000, .period = 50000, .quota = 25000};
  EXPECT_EQ(show(settings_v2(resources)), "cpu.weight=100;cpu.max=25000 50000;cpu.max.burst=1000;");
  resources.cpu = spec::CpuResources{.quota = -1};
  EXPECT_EQ(show(settings_v2(resources)), "cpu.max=max;");
  resources.cpu = spec::CpuResources{.period = 1000};
  EXPECT_TRUE(settings_v2(resources)->at(0).keep_first_word);
  resources.cpu = spec::CpuResources{.realtime_runtime = 5};
  EXPECT_FALSE(settings_v2(resources));
  resources.cpu = spec::CpuResources{.realtime_period = 0, .realtime_runtime = 0};
  EXPECT_TRUE(settings_v2(resources)) << "zeroes ask for nothing";
}

TEST(CgroupSettings, BlockIoAndNetworkV2) {
  Resources resources;
  resources.block_io = spec::BlockIoResources{
      .weight = 1000, .weight_device = {{.major = 8, .minor = 0, .weight = 10}},
      .throttle_read_bps = {{.major = 8, .minor = 16, .rate = 300}}};
  EXPECT_EQ(show(settings_v2(resources)),
            "io.bfq.weight=1000|io.weight=10000;io.bfq.weight=8:0 10|io.weight=8:0 1;"
            "io.max=8:16 rbps=300;");
  resources.block_io = spec::BlockIoResources{.leaf_weight = 5};
  EXPECT_FALSE(settings_v2(resources));
  resources = {};
  resources.network = spec::NetworkResources{.class_id = 5};
  EXPECT_FALSE(settings_v2(resources));
}

TEST(CgroupSettings, Unified) {
  Resources resources;
  resources.unified = {{"memory.high", "1024"}, {"io.max", "8:0 rbps=1\n8:16 rbps=2\n"}};
  EXPECT_EQ(show(settings_v2(resources)), "io.max=8:0 rbps=1;io.max=8:16 rbps=2;memory.high=1024;");
  for (const char* key : {"../memory.max", "a/b.c", "..", "", "memory", ".x", "cgroup.procs",
                          "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control",
                          "memory..max", "memory.max\n"}) {
    resources.unified = {{key, "1"}};
    EXPECT_FALSE(settings_v2(resources)) << key;
  }
}

TEST(CgroupSettings, IgnoredOnesAreTold) {
  Resources resources;
  resources.memory =
      spec::MemoryResources{.kernel = 4096, .swappiness = 10, .disable_oom_killer = true};
  EXPECT_EQ(ignored_settings(resources, false).size(), 1u);
  EXPECT_EQ(ignored_settings(resources, true).size(), 3u);
  EXPECT_EQ(ignored_settings(docker_default(), true).size(), 0u);
}

}  // namespace
}  // namespace bulkhead::cgroup
