// R1: where the pool's ranges come from, and which mappings of a configuration are safe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/limits.h"
#include "idpool/mappings.h"
#include "idpool/subid.h"
#include "scratch_dir.h"

namespace bulkhead::idpool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kWhole = std::uint64_t{limits::kIdRanges} * limits::kIdRange;

Result<Config> both(const std::string& text) { return parse_config({text, text}, "bulkhead"); }

std::string error_of(const std::string& uid, const std::string& gid) {
  const auto config = parse_config({uid, gid}, "bulkhead");
  EXPECT_FALSE(config.has_value());
  return config ? "" : config.error().message;
}
std::string error_of(const std::string& text) { return error_of(text, text); }

TEST(SubidConfig, OurLine) {
  const auto config = both("bulkhead:100000:268435456\n").value();
  EXPECT_THAT(config.blocks, ElementsAre(Block{100000, 4096}));
  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(config.ranges(), 4096u);
  EXPECT_EQ(config.range(0), (Range{100000, 65536}));
  EXPECT_EQ(config.range(1), (Range{165536, 65536}));
  EXPECT_EQ(config.range(4095), (Range{268469920, 65536}));
}

TEST(SubidConfig, SeveralLinesInAnyOrderAndLeftOverIds) {
  const std::string text =
      "# comment\n\nroot:10:20\nbulkhead:900000:131073\nbulkhead:200000:65536";
  const auto config = both(text).value();
  EXPECT_THAT(config.blocks, ElementsAre(Block{200000, 1}, Block{900000, 2}));
  EXPECT_EQ(config.range(0), (Range{200000, 65536}));
  EXPECT_EQ(config.range(2), (Range{965536, 65536}));
}

TEST(SubidConfig, WithoutLinesTheDefaultWithAWarning) {
  const auto config = both("").value();
  EXPECT_THAT(config.blocks, ElementsAre(Block{100000, 4096}));
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_THAT(config.warnings[0], HasSubstr("add the line \"bulkhead:100000:268435456\" to both"));
}

TEST(SubidConfig, TheDefaultAvoidsOthers) {
  const auto config =
      parse_config({"alice:100000:65536\n", "bob:165536:65536\n"}, "bulkhead").value();
  EXPECT_THAT(config.blocks, ElementsAre(Block{231072, 4096}));
}

TEST(SubidConfig, Warnings) {
  EXPECT_THAT(both("bulkhead:1000:65536\n").value().warnings,
              ElementsAre(HasSubstr("starts at 1000: containers get ids of host users")));
  EXPECT_THAT(
      parse_config({"bulkhead:100000:65536\nalice:165535:1\n", "bulkhead:100000:65536\n"},
                   "bulkhead")
          .value()
          .warnings,
      ElementsAre(HasSubstr("/etc/subuid:2: user alice has ids of bulkhead's 100000:65536 too")));
}

TEST(SubidConfig, ErrorsNameFileAndLine) {
  for (const char* bad :
       {"bulkhead", "bulkhead:", "bulkhead:1", "bulkhead:1:2:3", "bulkhead::65536",
        "bulkhead:100000:", "bulkhead:-1:65536", "bulkhead:+1:65536", "bulkhead: 1:65536",
        "bulkhead:100000:65536 ", "bulkhead:0x10:65536", "bulkhead:100000:0",
        "bulkhead:4294967296:65536", "bulkhead:100000:4294967295", "bulkhead:4294901760:65536"})
    EXPECT_THAT(error_of(std::string("a:1:1\n") + bad + "\n"),
                HasSubstr("/etc/subuid:2: the line of user bulkhead is not"))
        << bad;
  EXPECT_THAT(error_of(std::string("bulkhead:100000:65536\0", 22)), HasSubstr("/etc/subuid:1: "));
  EXPECT_THAT(error_of("bulkhead:0:65536\n"), HasSubstr("starts at host id 0, which is root"));
  EXPECT_THAT(error_of("bulkhead:100000:65535\n"), HasSubstr("holds 65535 ids; a container needs"));
  EXPECT_THAT(error_of("bulkhead:100000:65536\nbulkhead:165535:65536\n"),
              HasSubstr("lines of user bulkhead overlap: 100000:65536 and 165535:65536"));
  EXPECT_THAT(error_of("bulkhead:100000:65536\n", ""),
              HasSubstr("differ for user bulkhead: 100000:65536 against none"));
  EXPECT_THAT(error_of("bulkhead:100000:65536\n", "bulkhead:100000:131072\n"),
              HasSubstr("differ for user bulkhead"));
  EXPECT_THAT(error_of("", "bulkhead:0:1\n"), HasSubstr("/etc/subgid:1: starts at host id 0"));
}

TEST(SubidConfig, AnotherUserOrFixedNumbers) {
  const auto config =
      parse_config({"bulkhead:0:1\nisol:300000:65536\n", "isol:300000:65536\n"}, "isol").value();
  EXPECT_THAT(config.blocks, ElementsAre(Block{300000, 1}));
  EXPECT_EQ(config.way_out, "give user isol more ids in /etc/subuid and /etc/subgid");
  EXPECT_EQ(fixed_config(200000, 3).range(2), (Range{331072, 65536}));
}

TEST(SubidConfig, TheLastIdThereIs) {
  EXPECT_EQ(both("bulkhead:4294901759:65536\n").value().range(0).end(), 0xffffffffu);
}

TEST(SubidConfig, NoFreeBlockForTheDefault) {
  EXPECT_THAT(error_of("big:100000:4294867295\n"), HasSubstr("no free block of 4096 ranges"));
}

TEST(SubidRead, Files) {
  testing::ScratchDir dir;
  EXPECT_EQ(read_config(dir.fd(), "bulkhead").value().warnings.size(), 1u);  // none there
  std::ofstream(dir.path() / "subuid") << "bulkhead:300000:65536\n";
  EXPECT_FALSE(read_config(dir.fd(), "bulkhead").has_value());
  std::ofstream(dir.path() / "subgid") << "bulkhead:300000:65536\n";
  EXPECT_THAT(read_config(dir.fd(), "bulkhead").value().blocks, ElementsAre(Block{300000, 1}));
  std::ofstream(dir.path() / "subgid") << std::string(limits::kSmallFileBytes + 1, '\n');
  EXPECT_THAT(read_config(dir.fd(), "bulkhead").error().message,
              HasSubstr("/etc/subgid: is over 1048576"));
  std::filesystem::remove(dir.path() / "subgid");
  std::filesystem::create_directory(dir.path() / "subgid");
  EXPECT_THAT(read_config(dir.fd(), "bulkhead").error().message, HasSubstr("read /etc/subgid"));
}

TEST(SubidAdd, AppendsToBoth) {
  const auto files = add_entries({"", ""}, "bulkhead").value();
  EXPECT_EQ(files.uid, "bulkhead:100000:268435456\n");
  EXPECT_EQ(files.gid, files.uid);
}

TEST(SubidAdd, KeepsWhatIsThere) {
  const std::string odd = "# mine\nalice:100000:65536\nnonsense\n\nbob:x:y";
  const auto files = add_entries({odd, "alice:100000:65536\n"}, "bulkhead").value();
  EXPECT_EQ(files.uid, odd + "\nbulkhead:165536:268435456\n");
  EXPECT_EQ(files.gid, "alice:100000:65536\nbulkhead:165536:268435456\n");
  EXPECT_TRUE(parse_config(files, "bulkhead").value().warnings.empty());
}

TEST(SubidAdd, UsesGapsThatAreLargeEnough) {
  const auto start = [](const std::string& uid, const std::string& gid) {
    const auto files = add_entries({uid, gid}, "bulkhead").value();
    return parse_config(files, "bulkhead").value().blocks[0].first;
  };
  EXPECT_EQ(start("a:1:50\n", ""), 100000u);
  EXPECT_EQ(start("a:99999:1\n", ""), 100000u);
  EXPECT_EQ(start("a:99999:2\n", ""), 100001u);
  const std::string just_behind = "a:" + std::to_string(100000 + kWhole) + ":1\n";
  EXPECT_EQ(start(just_behind, ""), 100000u);
  const std::string just_before = "a:" + std::to_string(100000 + kWhole - 1) + ":1\n";
  EXPECT_EQ(start(just_before, ""), 100000 + kWhole);
  EXPECT_EQ(start("a:100000:10\nb:100005:2\nc:100010:10\n", "d:100020:5\n"), 100025u);
}

TEST(SubidAdd, TwiceChangesNothing) {
  const auto once = add_entries({"a:1:1\n", ""}, "bulkhead").value();
  const auto twice = add_entries(once, "bulkhead").value();
  EXPECT_EQ(once.uid, twice.uid);
  EXPECT_EQ(once.gid, twice.gid);
}

TEST(SubidAdd, Errors) {
  EXPECT_THAT(add_entries({"bulkhead:100000:65536\n", ""}, "bulkhead").error().message,
              HasSubstr("differ for user bulkhead"));
  EXPECT_THAT(add_entries({"bulkhead:0:65536\n", "bulkhead:0:65536\n"}, "bulkhead").error().message,
              HasSubstr("host id 0"));
  EXPECT_THAT(add_entries({"", "a:100000:4294867295\n"}, "bulkhead").error().message,
              HasSubstr("no free block of 4096 ranges of 65536 ids"));
}

// --- mappings of the configuration ---------------------------------------------------------------

using Maps = std::vector<spec::IdMapping>;

std::string refused(const Maps& uids, const Maps& gids) {
  const auto range = check_mappings(uids, gids);
  EXPECT_FALSE(range.has_value());
  return range ? "" : range.error().message;
}
std::string refused(const Maps& maps) { return refused(maps, maps); }

TEST(Mappings, SafeOnes) {
  EXPECT_EQ(check_mappings({{0, 231072, 65536}}, {{0, 231072, 65536}}).value(),
            (Range{231072, 65536}));
  const Maps parts{{1000, 201000, 99000}, {0, 200000, 1000}};
  EXPECT_EQ(check_mappings(parts, {{0, 200000, 100000}}).value(), (Range{200000, 100000}));
  EXPECT_EQ(check_mappings({{0, 1, 4294967294}}, {{0, 1, 4294967294}}).value().end(), 0xffffffffu);
}

TEST(Mappings, Refused) {
  const Maps good{{0, 100000, 65536}};
  EXPECT_EQ(refused({}, good),
            "invalid user/group ID config: detected missing user-ns UID and/or GID mappings");
  EXPECT_EQ(refused(good, {}),
            "invalid user/group ID config: detected missing user-ns UID and/or GID mappings");
  EXPECT_EQ(refused({{0, 100000, 10}, {11, 100010, 65536}}),
            "invalid user/group ID config: container ID mappings are non-contiguous: [container 0 "
            "-> host 100000 size 10, container 11 -> host 100010 size 65536]");
  EXPECT_THAT(refused({{0, 100000, 10}, {10, 100011, 65536}}),
              HasSubstr("host ID mappings are non-contiguous: "));
  EXPECT_EQ(refused({{0, 100000, 65535}}),
            "invalid user/group ID config: uid mapping range must specify a container with at "
            "least 65536 uids starting at uid 0; found [container 0 -> host 100000 size 65535]");
  EXPECT_THAT(refused(good, {{1, 100000, 65536}}),
              HasSubstr("gid mapping range must specify a container with at least 65536 gids "
                        "starting at gid 0; found"));
  EXPECT_EQ(refused({{0, 0, 65536}}),
            "invalid user/group ID config: detected user-ns uid mapping to host ID 0 ([container 0 "
            "-> host 0 size 65536]); this breaks container isolation");
  EXPECT_THAT(refused(good, {{0, 0, 65536}}), HasSubstr("user-ns gid mapping to host ID 0"));
  EXPECT_THAT(refused(good, {{0, 100001, 65536}}),
              HasSubstr("detecting non-matching uid & gid mappings; found uid = [container 0 -> "
                        "host 100000 size 65536], gid = [container 0 -> host 100001 size 65536]"));
  EXPECT_THAT(refused({{0, 4294901761, 65536}}), HasSubstr("goes beyond the last uid"));
  EXPECT_THAT(refused({{0, 4294967295, 65536}}), HasSubstr("goes beyond the last uid"));
  // Host id 0 by wrapping around, and a second mapping onto it.
  EXPECT_THAT(refused({{0, 4294901760, 65536}, {65536, 0, 1}}), HasSubstr("host ID mappings are"));
  EXPECT_THAT(refused({{0, 100000, 65536}, {0, 300000, 65536}}),
              HasSubstr("container ID mappings are non-contiguous"));
}

}  // namespace
}  // namespace bulkhead::idpool
