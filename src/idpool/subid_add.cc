#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "idpool/subid.h"
#include "idpool/subid_lines.h"

namespace bulkhead::idpool {
namespace {

std::optional<Range> to_range(std::string_view first, std::string_view count) {
  const auto start = parse_decimal<std::uint32_t>(first);
  const auto size = parse_decimal<std::uint32_t>(count);
  if (!start || !size || *size == 0) return std::nullopt;
  const Range range{*start, *size};
  return range.end() <= kIdsEnd ? std::optional(range) : std::nullopt;
}

std::string with_line(std::string text, std::string_view user, const Range& range) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text += cat(user, ":", range.first, ":", range.size, "\n");
}

}  // namespace

std::vector<Line> parse_lines(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (trim(line).empty() || line[0] == '#') continue;
    const auto fields = split(line, ':');
    lines.push_back({number, fields[0],
                     fields.size() == 3 ? to_range(fields[1], fields[2]) : std::nullopt});
  }
  return lines;
}

std::optional<Range> free_block(const std::vector<Line>& uid_lines,
                                const std::vector<Line>& gid_lines, std::uint32_t size) {
  std::vector<Range> taken;
  for (const auto* lines : {&uid_lines, &gid_lines})
    for (const Line& line : *lines)
      if (line.range) taken.push_back(*line.range);
  std::sort(taken.begin(), taken.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::uint64_t start = kDefaultFirst;
  for (const Range& range : taken) {
    if (range.first >= start + size) break;
    start = std::max(start, range.end());
  }
  if (start + size > kIdsEnd) return std::nullopt;
  return Range{static_cast<std::uint32_t>(start), size};
}

Result<SubidFiles> add_entries(SubidFiles files, std::string_view user) {
  const auto uid = parse_lines(files.uid), gid = parse_lines(files.gid);
  auto is_ours = [&](const Line& line) { return line.user == user; };
  if (std::any_of(uid.begin(), uid.end(), is_ours) ||
      std::any_of(gid.begin(), gid.end(), is_ours)) {
    TRY(parse_config(files, user));
    return files;
  }
  const auto block = free_block(uid, gid, limits::kIdRanges * limits::kIdRange);
  if (!block)
    return fail(cat("/etc/subuid and /etc/subgid: no free block of ", limits::kIdRanges,
                    " ranges of ", limits::kIdRange, " ids; add a smaller one for user ", user));
  return SubidFiles{with_line(std::move(files.uid), user, *block),
                    with_line(std::move(files.gid), user, *block)};
}

}  // namespace bulkhead::idpool
