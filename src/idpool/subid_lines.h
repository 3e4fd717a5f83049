// The lines of subuid(5) files, shared by the reader and by add_entries().
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "idpool/range.h"

namespace bulkhead::idpool {

struct Line {
  std::size_t number = 0;  // from 1
  std::string_view user;
  std::optional<Range> range;  // nothing: not "user:first:count" in numbers that are ids
};

// Every line that is not blank and no comment.
std::vector<Line> parse_lines(std::string_view text);

// The lowest run of `size` ids at or above kDefaultFirst that no line of either file touches.
std::optional<Range> free_block(const std::vector<Line>& uid_lines,
                                const std::vector<Line>& gid_lines, std::uint32_t size);

}  // namespace bulkhead::idpool
