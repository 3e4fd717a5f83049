// A contiguous run of host ids, used for uids and gids alike.
#pragma once

#include <cstdint>

namespace bulkhead::idpool {

struct Range {
  std::uint32_t first = 0;
  std::uint32_t size = 0;

  // One past the last id; 64 bits because a range may end at the last id there is.
  std::uint64_t end() const { return std::uint64_t{first} + size; }
  bool overlaps(const Range& other) const {
    return first < other.end() && other.first < end();
  }
  bool operator==(const Range&) const = default;
};

// (uid_t)-1 means "no id" to the kernel, so the last usable one is 4294967294.
inline constexpr std::uint64_t kIdsEnd = 0xffffffff;

}  // namespace bulkhead::idpool
