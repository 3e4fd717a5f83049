// /etc/subuid and /etc/subgid, and what the installer makes of them.
#include <cstdlib>
#include <string_view>

#include "base/limits.h"
#include "idpool/subid.h"

namespace {

using namespace bulkhead::idpool;

// Ascending, disjoint, without id 0 and the last id.
void check(const Config& config) {
  std::uint64_t end = 1;
  if (config.blocks.empty()) abort();
  for (std::size_t i = 0; i < config.ranges() && i < 3; ++i) {
    const Range range = config.range(i);
    if (range.first < end || range.size != bulkhead::limits::kIdRange) abort();
    end = range.end();
  }
  if (config.range(config.ranges() - 1).end() > kIdsEnd) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  // Both files in one input, parted by the first zero byte; without one the same text twice.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto middle = text.find('\0');
  const SubidFiles files{std::string(text.substr(0, middle)),
                         std::string(text.substr(middle == text.npos ? 0 : middle + 1))};
  if (const auto config = parse_config(files)) check(*config);
  const auto added = add_entries(files);
  if (!added) return 0;
  if (!added->uid.starts_with(files.uid) || !added->gid.starts_with(files.gid)) abort();
  const auto config = parse_config(*added);
  if (!config) abort();
  check(*config);
  const auto again = add_entries(*added);
  if (!again || again->uid != added->uid || again->gid != added->gid) abort();
  return 0;
}
