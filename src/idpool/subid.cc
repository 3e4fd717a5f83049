#include "idpool/subid.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "base/strings.h"
#include "idpool/subid_lines.h"

namespace bulkhead::idpool {
namespace {

// Below it are the ids of the system's own users, services and "nobody".
constexpr std::uint32_t kSystemIdsEnd = 65536;

struct File {
  const char* name;
  std::vector<Line> lines;
};

std::string to_text(const Block& block) {
  return cat(block.first, ":", std::uint64_t{block.ranges} * limits::kIdRange);
}

std::string to_text(const std::vector<Block>& blocks) {
  std::vector<std::string> parts;
  parts.reserve(blocks.size());
  for (const Block& block : blocks) parts.push_back(to_text(block));
  return parts.empty() ? "none" : join(parts, ", ");
}

// Ids over the last whole range are left over.
Range ids_of(const Block& block) { return {block.first, block.ranges * limits::kIdRange}; }

std::string way_out(std::string_view user) {
  return cat("give user ", user, " more ids in /etc/subuid and /etc/subgid");
}

Result<Block> our_block(const char* file, const Line& line, std::string_view user) {
  const std::string where = cat("/etc/", file, ":", line.number);
  if (!line.range)
    return fail(cat(where, ": the line of user ", user, " is not \"", user,
                    ":<first id>:<count>\""));
  if (line.range->first == 0)
    return fail(cat(where, ": starts at host id 0, which is root; start at ", kDefaultFirst));
  if (line.range->size < limits::kIdRange)
    return fail(cat(where, ": holds ", line.range->size, " ids; a container needs ",
                    limits::kIdRange));
  return Block{line.range->first, line.range->size / limits::kIdRange};
}

Result<std::vector<Block>> our_blocks(const File& file, std::string_view user) {
  std::vector<Block> blocks;
  for (const Line& line : file.lines)
    if (line.user == user) blocks.push_back(TRY(our_block(file.name, line, user)));
  std::sort(blocks.begin(), blocks.end(),
            [](const Block& a, const Block& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < blocks.size(); ++i)
    if (ids_of(blocks[i - 1]).overlaps(ids_of(blocks[i])))
      return fail(cat("/etc/", file.name, ": lines of user ", user, " overlap: ",
                      to_text(blocks[i - 1]), " and ", to_text(blocks[i])));
  return blocks;
}

void warn_of_neighbours(Config& config, const File& file, std::string_view user) {
  for (const Line& line : file.lines) {
    if (line.user == user || !line.range) continue;
    for (const Block& block : config.blocks)
      if (ids_of(block).overlaps(*line.range))
        config.warnings.push_back(cat("/etc/", file.name, ":", line.number, ": user ", line.user,
                                      " has ids of ", user, "'s ", to_text(block),
                                      " too: containers are not exclusive against that user"));
  }
}

Result<Config> default_config(const File& uid, const File& gid, std::string_view user) {
  const auto block = free_block(uid.lines, gid.lines, limits::kIdRanges * limits::kIdRange);
  if (!block)
    return fail(cat("/etc/subuid and /etc/subgid: have no lines of user ", user,
                    " and no free block of ", limits::kIdRanges, " ranges; add a smaller one"));
  Config config{.blocks = {{block->first, limits::kIdRanges}}, .way_out = way_out(user)};
  config.warnings.push_back(cat("/etc/subuid and /etc/subgid have no lines of user ", user,
                                "; using ", to_text(config.blocks[0]),
                                "; other tools may hand out the same ids: add the line \"", user,
                                ":", to_text(config.blocks[0]), "\" to both"));
  return config;
}

Result<std::string> read_file(BorrowedFd etc_dir, const char* name) {
  UniqueFd file(openat(etc_dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::string();
  if (!file) return fail_errno(cat("open /etc/", name));
  std::string text;
  char buffer[8192];
  while (true) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(cat("read /etc/", name));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limits::kSmallFileBytes)
      return fail(cat("/etc/", name, ": is over ", limits::kSmallFileBytes, " bytes"));
  }
}

}  // namespace

std::size_t Config::ranges() const {
  std::size_t sum = 0;
  for (const Block& block : blocks) sum += block.ranges;
  return sum;
}

Range Config::range(std::size_t index) const {
  for (const Block& block : blocks) {
    if (index < block.ranges)
      return {block.first + static_cast<std::uint32_t>(index) * limits::kIdRange,
              limits::kIdRange};
    index -= block.ranges;
  }
  return {};
}

Result<Config> parse_config(const SubidFiles& files, std::string_view user) {
  const File uid{"subuid", parse_lines(files.uid)}, gid{"subgid", parse_lines(files.gid)};
  auto uid_blocks = TRY(our_blocks(uid, user));
  const auto gid_blocks = TRY(our_blocks(gid, user));
  if (uid_blocks != gid_blocks)
    return fail(cat("/etc/subuid and /etc/subgid differ for user ", user, ": ",
                    to_text(uid_blocks), " against ", to_text(gid_blocks),
                    "; make the lines the same"));
  if (uid_blocks.empty()) return default_config(uid, gid, user);
  Config config{.blocks = std::move(uid_blocks), .way_out = way_out(user)};
  if (config.blocks[0].first < kSystemIdsEnd)
    config.warnings.push_back(cat("/etc/subuid: the line of user ", user, " starts at ",
                                  config.blocks[0].first, ": containers get ids of host users"));
  warn_of_neighbours(config, uid, user);
  warn_of_neighbours(config, gid, user);
  return config;
}

Result<Config> read_config(BorrowedFd etc_dir, std::string_view user) {
  std::string uid = TRY(read_file(etc_dir, "subuid"));
  std::string gid = TRY(read_file(etc_dir, "subgid"));
  return parse_config({.uid = std::move(uid), .gid = std::move(gid)}, user);
}

Config fixed_config(std::uint32_t first, std::uint32_t ranges) {
  return {.blocks = {{first, ranges}}, .way_out = "raise bulkhead.idPool.ranges in the policy"};
}

}  // namespace bulkhead::idpool
