// G9: reload keeps the last good policy; a first start with a broken file has none.
#include "policy/live.h"

#include <gmock/gmock.h>

namespace bulkhead::policy {
namespace {

const std::string kAudit = R"({"bulkhead":{"mode":"audit"}})";

TEST(LivePolicy, FirstStart) {
  auto broken = LivePolicy::start("/f.json", "{");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, ::testing::StartsWith("/f.json: "));
  EXPECT_EQ(LivePolicy::start("/f.json", kAudit)->current()->mode, Mode::kAudit);
  auto none = LivePolicy::start("/f.json", std::nullopt);
  EXPECT_EQ(none->current()->mode, Mode::kEnforce);
  EXPECT_FALSE(none->current()->restricted.empty());
  EXPECT_EQ(none->problem(), "");
}

TEST(LivePolicy, BrokenFileKeepsTheLastGoodOne) {
  auto live = *LivePolicy::start("/f.json", kAudit);
  auto before = live.current();
  for (auto text : {std::optional<std::string>("{\"bulkhead\":"), std::optional<std::string>(""),
                    std::optional<std::string>()}) {
    auto changed = live.reload(text);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().message, live.problem());
    EXPECT_THAT(live.problem(),
                ::testing::EndsWith("the policy from before stays in force until the file is good again"));
    EXPECT_EQ(live.current(), before);
    EXPECT_EQ(live.generation(), 1u);
  }
  EXPECT_FALSE(*live.reload(kAudit));  // back to what it was: nothing changes, the problem is over
  EXPECT_EQ(live.problem(), "");
  EXPECT_EQ(live.current(), before);
}

TEST(LivePolicy, GoodFileReplaces) {
  auto live = *LivePolicy::start("/f.json", kAudit);
  auto before = live.current();
  EXPECT_TRUE(*live.reload("{}"));
  EXPECT_EQ(live.current()->mode, Mode::kEnforce);
  EXPECT_EQ(before->mode, Mode::kAudit);  // who holds the old one goes on with it
  EXPECT_EQ(live.generation(), 2u);
  EXPECT_FALSE(*live.reload("{}"));
  EXPECT_EQ(live.generation(), 2u);
}

}  // namespace
}  // namespace bulkhead::policy
