// Age, pins and failures: when an answer counts.
#include "registry/desk.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::registry {
namespace {

using ::testing::StartsWith;

constexpr std::int64_t kNow = 1790000000;

std::string digest(char c) { return cat("sha256:", std::string(64, c)); }
images::Reference reference(std::string_view text) { return *images::parse_reference(text); }

Resolution answer(std::string_view name, char c) {
  return {Served{.reference = reference(name), .digest = digest(c), .verified_at = kNow, .source = "registry"}};
}

class DeskTest : public ::testing::Test {
 protected:
  DeskTest() { EXPECT_NE(::mkdtemp(directory_), nullptr); }
  ~DeskTest() override {
    auto parent = sys::open_path("/tmp", O_RDONLY | O_DIRECTORY);
    EXPECT_TRUE(sys::remove_tree_at(parent->get(), std::string_view(directory_).substr(5)));
  }
  Cache cache() { return Cache(*sys::open_path(directory_, O_RDONLY | O_DIRECTORY)); }
  Desk desk(Pins pins = {}) { return Desk(cache(), std::move(pins), {.refresh_seconds = 100, .max_age_seconds = 1000}); }

  char directory_[32] = "/tmp/bulkhead-desk-XXXXXX";
};

std::string digest_at_hand(Desk& desk, std::string_view name, std::int64_t now, bool cached_only = false) {
  auto resolution = desk.at_hand({.reference = reference(name), .cached_only = cached_only}, now);
  if (!resolution) return "ask";
  return resolution->served ? resolution->served->digest : resolution->served.error().message;
}

TEST_F(DeskTest, Ages) {
  auto desk = this->desk();
  EXPECT_EQ(digest_at_hand(desk, "a", kNow), "ask");
  EXPECT_EQ(digest_at_hand(desk, "a", kNow, true), "docker.io/library/a:latest: not known yet");
  EXPECT_TRUE(desk.after_asking(reference("a"), answer("a", '1'), kNow).served);
  EXPECT_EQ(digest_at_hand(desk, "a", kNow), digest('1'));
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 99), digest('1'));
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 100), "ask");
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 1000, true), digest('1'));
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 1001, true), "docker.io/library/a:latest: not known yet");
  EXPECT_EQ(digest_at_hand(desk, "b", kNow), "ask");
}

TEST_F(DeskTest, ClockSetBackIsNoAge) {
  auto desk = this->desk();
  (void)desk.after_asking(reference("a"), answer("a", '1'), kNow);
  EXPECT_EQ(digest_at_hand(desk, "a", kNow - 60), digest('1'));
  EXPECT_EQ(digest_at_hand(desk, "a", kNow - 61), "ask");
  EXPECT_FALSE(desk.after_asking(reference("a"), {fail("down")}, kNow - 61).served);
}

TEST_F(DeskTest, WorkersDoNotSayTheTime) {
  auto desk = this->desk();
  auto future = answer("a", '1');
  future.served->verified_at = kNow + 50;
  EXPECT_EQ(desk.after_asking(reference("a"), future, kNow).served->verified_at, kNow);
}

TEST_F(DeskTest, FailureKeepsWhatStillCounts) {
  auto desk = this->desk();
  (void)desk.after_asking(reference("a"), answer("a", '1'), kNow);
  auto down = desk.after_asking(reference("a"), {fail("down")}, kNow + 500);
  ASSERT_TRUE(down.served);
  EXPECT_EQ(down.served->digest, digest('1'));
  EXPECT_EQ(down.served->source, "cache");
  EXPECT_EQ(down.served->verified_at, kNow);  // not younger for having been used
  EXPECT_EQ(desk.after_asking(reference("a"), {fail("down")}, kNow + 1001).served.error().message,
            "down; the last answer is 1001 seconds old, bulkhead.registry.maxAgeSeconds allows 1000");
}

TEST_F(DeskTest, FailureIsRememberedForSeconds) {
  auto desk = this->desk();
  EXPECT_FALSE(desk.after_asking(reference("a"), {fail("down")}, kNow).served);
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 9), "down");
  EXPECT_EQ(digest_at_hand(desk, "b", kNow + 9), "ask");
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 10), "ask");
}

TEST_F(DeskTest, GoneIsGone) {
  auto desk = this->desk();
  (void)desk.after_asking(reference("a"), answer("a", '1'), kNow);
  EXPECT_FALSE(desk.after_asking(reference("a"), {fail("404"), Failure::kGone}, kNow + 1).served);
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 2), "ask");
  EXPECT_FALSE(desk.after_asking(reference("a"), {fail("down")}, kNow + 3).served);
}

TEST_F(DeskTest, DigestsDoNotAge) {
  auto desk = this->desk();
  std::string name = cat("a@", digest('1'));
  (void)desk.after_asking(reference(name), answer(name, '1'), kNow);
  EXPECT_EQ(digest_at_hand(desk, name, kNow + 1'000'000), digest('1'));
}

TEST_F(DeskTest, PinsAreNotAskedAbout) {
  Pins pins;
  pins["docker.io/library/a:latest"] = *answer("a", '9').served;
  auto desk = this->desk(std::move(pins));
  EXPECT_EQ(digest_at_hand(desk, "a", kNow + 1'000'000), digest('9'));
  EXPECT_EQ(digest_at_hand(desk, "a:1", kNow), "ask");
}

TEST_F(DeskTest, CacheOutlivesTheProcess) {
  auto old = desk();
  (void)old.after_asking(reference("a"), answer("a", '1'), kNow);
  auto fresh = desk();
  EXPECT_EQ(digest_at_hand(fresh, "a", kNow), digest('1'));
  EXPECT_EQ(fresh.known(reference("a"))->digest, digest('1'));
  EXPECT_FALSE(fresh.known(reference("b")));
}

TEST_F(DeskTest, CacheMakesRoom) {
  Cache small(*sys::open_path(directory_, O_RDONLY | O_DIRECTORY), 3);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_TRUE(small.store(*answer(cat("b:", i), '2').served));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < 10; ++i) kept += small.find(reference(cat("b:", i))).has_value();
  EXPECT_EQ(kept, 3u);
  EXPECT_TRUE(small.find(reference("b:9")));
}

}  // namespace
}  // namespace bulkhead::registry
