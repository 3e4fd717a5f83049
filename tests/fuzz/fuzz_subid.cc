// /etc/subuid and /etc/subgid, and what the installer makes of them.
#include <string>
#include <string_view>

#include "base/limits.h"
#include "fuzz.h"
#include "idpool/subid.h"

namespace {

using namespace bulkhead::idpool;

constexpr std::string_view kUser = "bulkhead";

// Ascending, disjoint, without id 0 and the last id.
void check(const Config& config) {
  std::uint64_t end = 1;
  FUZZ_CHECK(!config.blocks.empty());
  for (std::size_t i = 0; i < config.ranges() && i < 3; ++i) {
    const Range range = config.range(i);
    FUZZ_CHECK(range.first >= end && range.size == bulkhead::limits::kIdRange);
    end = range.end();
  }
  FUZZ_CHECK(config.range(config.ranges() - 1).end() <= kIdsEnd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  // Both files in one input, parted by the first zero byte; without one the same text twice.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto middle = text.find('\0');
  const SubidFiles files{std::string(text.substr(0, middle)),
                         std::string(text.substr(middle == text.npos ? 0 : middle + 1))};
  if (const auto config = parse_config(files, kUser)) check(*config);
  const auto added = add_entries(files, kUser);
  if (!added) return 0;
  FUZZ_CHECK(added->uid.starts_with(files.uid) && added->gid.starts_with(files.gid));
  const auto config = parse_config(*added, kUser);
  FUZZ_CHECK(config.has_value());
  check(*config);
  const auto again = add_entries(*added, kUser);
  FUZZ_CHECK(again && again->uid == added->uid && again->gid == added->gid);
  return 0;
}
