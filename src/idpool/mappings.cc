#include "idpool/mappings.h"

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::idpool {
namespace {

constexpr std::string_view kContext = "invalid user/group ID config";

std::string to_text(const std::vector<spec::IdMapping>& mappings) {
  std::vector<std::string> parts;
  for (const auto& m : mappings)
    parts.push_back(cat("container ", m.container_id, " -> host ", m.host_id, " size ", m.size));
  return cat("[", join(parts, ", "), "]");
}

// `kind` is "uid" or "gid".
Result<Range> merged(std::vector<spec::IdMapping> mappings, std::string_view kind) {
  std::sort(mappings.begin(), mappings.end(),
            [](const auto& a, const auto& b) { return a.container_id < b.container_id; });
  std::uint64_t size = 0;
  for (const auto& m : mappings) {
    if (m.container_id != mappings[0].container_id + size)
      return fail(cat("container ID mappings are non-contiguous: ", to_text(mappings)));
    if (m.host_id != mappings[0].host_id + size)
      return fail(cat("host ID mappings are non-contiguous: ", to_text(mappings)));
    size += m.size;
  }
  if (mappings[0].container_id != 0 || size < limits::kIdRange)
    return fail(cat(kind, " mapping range must specify a container with at least ",
                    limits::kIdRange, " ", kind, "s starting at ", kind, " 0; found ",
                    to_text(mappings)));
  if (mappings[0].host_id == 0)
    return fail(cat("detected user-ns ", kind, " mapping to host ID 0 (", to_text(mappings),
                    "); this breaks container isolation"));
  if (mappings[0].host_id + size > kIdsEnd)
    return fail(cat(kind, " mapping goes beyond the last ", kind, ": ", to_text(mappings)));
  return Range{mappings[0].host_id, static_cast<std::uint32_t>(size)};
}

}  // namespace

Result<Range> check_mappings(const std::vector<spec::IdMapping>& uids,
                             const std::vector<spec::IdMapping>& gids) {
  if (uids.empty() || gids.empty())
    return fail(cat(kContext, ": detected missing user-ns UID and/or GID mappings"));
  const Range uid = TRY_IN(kContext, merged(uids, "uid"));
  const Range gid = TRY_IN(kContext, merged(gids, "gid"));
  if (uid != gid)
    return fail(cat(kContext, ": detecting non-matching uid & gid mappings; found uid = ",
                    to_text(uids), ", gid = ", to_text(gids)));
  return uid;
}

}  // namespace bulkhead::idpool
