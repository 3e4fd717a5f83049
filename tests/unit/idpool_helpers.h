// Test helpers: a pool in a scratch directory.
#pragma once

#include <gtest/gtest.h>

#include "idpool/pool.h"
#include "scratch_dir.h"

namespace bulkhead::idpool {

inline const IsAlive kAllAlive = [](std::string_view) { return true; };
inline const IsAlive kAllGone = [](std::string_view) { return false; };

inline Config pool_of(std::uint32_t ranges, std::uint32_t first = 100000) {
  return {.blocks = {{first, ranges}}, .way_out = "ask"};
}

inline std::uint32_t first_of(const testing::ScratchDir& dir, std::string_view id,
                       const Config& config = pool_of(4096)) {
  const auto range = allocate(dir.fd(), config, id, kAllAlive);
  EXPECT_TRUE(range.has_value()) << range.error().message;
  return range ? range->first : 0;
}

inline void give_back(const testing::ScratchDir& dir, std::string_view id,
                      std::string_view marker = "") {
  const auto released = release(dir.fd(), id, marker);
  ASSERT_TRUE(released.has_value()) << released.error().message;
}

// No two pool ranges meet, and no pool range meets a foreign one.
inline void expect_exclusive(const testing::ScratchDir& dir) {
  const auto held = list(dir.fd());
  ASSERT_TRUE(held.has_value()) << held.error().message;
  for (std::size_t i = 0; i < held->size(); ++i)
    for (std::size_t j = i + 1; j < held->size(); ++j) {
      const auto &a = (*held)[i], &b = (*held)[j];
      if (!a.from_pool && !b.from_pool) continue;
      EXPECT_FALSE(a.range.overlaps(b.range)) << a.container_id << " and " << b.container_id;
    }
}

}  // namespace bulkhead::idpool
