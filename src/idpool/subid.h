// The administrator's side of the pool: the entries of a user (the policy's bulkhead.idPool.user,
// "bulkhead" by default) in /etc/subuid and /etc/subgid (subuid(5): "name:first id:count").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "idpool/range.h"

namespace bulkhead::idpool {

inline constexpr std::uint32_t kDefaultFirst = 100000;

// `ranges` ranges of 65536 ids one after the other.
struct Block {
  std::uint32_t first = 0;
  std::uint32_t ranges = 0;
  bool operator==(const Block&) const = default;
};

struct Config {
  std::vector<Block> blocks;  // ascending, disjoint, never empty
  std::vector<std::string> warnings;
  std::string way_out;  // for the message of an exhausted pool: how to enlarge it

  std::size_t ranges() const;
  // The index-th range, counted over all blocks; index < ranges().
  Range range(std::size_t index) const;
};

struct SubidFiles {
  std::string uid, gid;  // the contents of /etc/subuid and /etc/subgid
};

// The pool that the two files describe. Lines of `user` are read strictly and must be the same in
// both files, start at 1 or above, hold at least one range and not overlap; errors name
// file and line. Lines of others only matter where they overlap (a warning). Without lines of ours:
// the block that add_entries() would write, with a warning.
Result<Config> parse_config(const SubidFiles& files, std::string_view user);

// The same from `etc_dir` ("/etc"). A missing file is an empty one. Errors: unreadable, over 1 MiB,
// or as above.
Result<Config> read_config(BorrowedFd etc_dir, std::string_view user);

// The pool of fixed numbers: the policy's bulkhead.idPool.start and ranges, which it has checked.
Config fixed_config(std::uint32_t first, std::uint32_t ranges);

// For installation: the contents with a line for `user` of limits::kIdRanges ranges in
// both, at 100000 where that is free in both, else at the next free block. Files that have our
// lines already come back as they are. Errors: what parse_config() says of our lines, or no free
// block is left.
Result<SubidFiles> add_entries(SubidFiles files, std::string_view user);

}  // namespace bulkhead::idpool
