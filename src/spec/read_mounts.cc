// The "mounts" and the id mappings of mounts and of the container.
#include "base/strings.h"
#include "spec/tables.h"

namespace bulkhead::spec {

using json::field;
using json::fields;
using json::kRequired;
using json::Path;
using json::Table;

namespace {

constexpr std::size_t kMappings = 340;  // kernel: UID_GID_MAP_MAX_EXTENTS

Result<> check_mapping(IdMapping& mapping, const Path& path) {
  constexpr std::uint64_t kIds = 0xffffffff;  // (uid_t)-1 is no id
  if (mapping.size == 0) return json::fail_at(Path(path, "size"), "must be above 0");
  if (mapping.container_id + std::uint64_t{mapping.size} > kIds ||
      mapping.host_id + std::uint64_t{mapping.size} > kIds)
    return json::fail_at(path, "the range goes beyond the highest id, 4294967294");
  return {};
}

Result<> check_mount(Mount& mount, const Path& path) {
  if (mount.destination.empty())
    return json::fail_at(Path(path, "destination"), "must not be empty");
  // The specification allows relative ones on Linux, "interpreted as relative to /".
  if (mount.destination.front() != '/') mount.destination.insert(0, 1, '/');
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
    return json::fail_at(path, "uidMappings and gidMappings must be given together");
  return {};
}

}  // namespace

Table<IdMapping> fields_of(std::type_identity<IdMapping>) {
  static constexpr auto kFields = fields<IdMapping>({
      {"containerID", field<&IdMapping::container_id>, kRequired},
      {"hostID", field<&IdMapping::host_id>, kRequired},
      {"size", field<&IdMapping::size>, kRequired},
  });
  return {kFields, check_mapping};
}

Table<Mount> fields_of(std::type_identity<Mount>) {
  using Mappings = ReadAtMost<kMappings>;
  static constexpr auto kFields = fields<Mount>({
      {"destination", field<&Mount::destination>, kRequired},
      {"type", field<&Mount::type>},
      {"source", field<&Mount::source>},
      {"options", field<&Mount::options>},
      {"uidMappings", field<&Mount::uid_mappings, Mappings{}>},
      {"gidMappings", field<&Mount::gid_mappings, Mappings{}>},
  });
  return {kFields, check_mount};
}

}  // namespace bulkhead::spec
