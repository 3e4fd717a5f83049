// The "linux" object itself; its larger parts have files of their own.
#include "base/strings.h"
#include "spec/tables.h"

namespace bulkhead::spec {

using json::custom;
using json::field;
using json::fields;
using json::kRequired;
using json::one_of;
using json::Path;
using json::Table;
using json::Value;

namespace {

constexpr std::string_view kNamespaceTypes[] = {"pid",  "network", "mount",  "ipc",
                                                "uts",  "user",    "cgroup", "time"};
constexpr std::string_view kPropagations[] = {"",        "shared",   "slave",    "private",
                                              "unbindable", "rshared", "rslave", "rprivate",
                                              "runbindable"};
constexpr std::string_view kClocks[] = {"boottime", "monotonic"};
constexpr std::string_view kPersonalities[] = {"LINUX", "LINUX32"};

struct Personality {
  std::string domain;
  std::vector<std::string> flags;
};

Table<Personality> fields_of(std::type_identity<Personality>) {
  static constexpr auto kFields = fields<Personality>({
      {"domain", one_of<&Personality::domain, kPersonalities>, kRequired},
      {"flags", field<&Personality::flags>},
  });
  return {kFields};
}

Result<> read_personality(Linux& out, const Value& value, const Path& path) {
  auto personality = TRY(json::read<Personality>(value, path));
  // The specification defines no flag, and ADDR_NO_RANDOMIZE and the like are an attacker's help.
  if (!personality.flags.empty())
    return json::fail_at(Path(path, "flags"), "are not supported by bulkhead");
  out.personality_domain = std::move(personality.domain);
  return {};
}

Result<> read_intel_rdt(Linux& out, const Value& value, const Path& path) {
  TRY(json::object_in(value, path));
  out.has_intel_rdt = true;
  return {};
}

Result<> read_time_offsets(Linux& out, const Value& value, const Path& path) {
  TRY(json::read_value(out.time_offsets, value, path));
  for (const auto& [clock, offset] : out.time_offsets)
    if (clock != kClocks[0] && clock != kClocks[1]) return json::not_one_of(path, clock, kClocks);
  return {};
}

Result<> check_linux(Linux& linux_object, const Path& path) {
  Path namespaces(path, "namespaces");
  for (std::size_t i = 0; i < linux_object.namespaces.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (linux_object.namespaces[i].type == linux_object.namespaces[j].type)
        return json::fail_at(Path(namespaces, i),
                             cat("type ", linux_object.namespaces[i].type, " is there twice"));
  return {};
}

Result<> check_namespace(Namespace& entry, const Path& path) {
  if (!entry.path.empty() && entry.path.front() != '/')
    return json::fail_at(Path(path, "path"), "must be an absolute path");
  return {};
}

}  // namespace

Table<Namespace> fields_of(std::type_identity<Namespace>) {
  static constexpr auto kFields = fields<Namespace>({
      {"type", one_of<&Namespace::type, kNamespaceTypes>, kRequired},
      {"path", field<&Namespace::path>},
  });
  return {kFields, check_namespace};
}

Table<TimeOffset> fields_of(std::type_identity<TimeOffset>) {
  static constexpr auto kFields = fields<TimeOffset>({
      {"secs", field<&TimeOffset::seconds>},
      {"nanosecs", field<&TimeOffset::nanoseconds, ReadBetween<0, 999999999>{}>},
  });
  return {kFields};
}

Table<Linux> fields_of(std::type_identity<Linux>) {
  using Mappings = ReadAtMost<340>;  // kernel: UID_GID_MAP_MAX_EXTENTS
  static constexpr auto kFields = fields<Linux>({
      {"uidMappings", field<&Linux::uid_mappings, Mappings{}>},
      {"gidMappings", field<&Linux::gid_mappings, Mappings{}>},
      {"sysctl", field<&Linux::sysctl>},
      {"resources", field<&Linux::resources>},
      {"cgroupsPath", field<&Linux::cgroups_path>},
      {"namespaces", field<&Linux::namespaces, ReadAtMost<std::size(kNamespaceTypes)>{}>},
      {"devices", field<&Linux::devices>},
      {"seccomp", field<&Linux::seccomp>},
      {"rootfsPropagation", one_of<&Linux::rootfs_propagation, kPropagations>},
      {"maskedPaths", field<&Linux::masked_paths, ReadAbsolutePath{}>},
      {"readonlyPaths", field<&Linux::readonly_paths, ReadAbsolutePath{}>},
      {"mountLabel", field<&Linux::mount_label>},
      {"intelRdt", custom<read_intel_rdt>},
      {"personality", custom<read_personality>},
      {"timeOffsets", custom<read_time_offsets>},
      {"netDevices", custom<unsupported<Linux>>},
      {"memoryPolicy", custom<unsupported<Linux>>},
  });
  return {kFields, check_linux};
}

}  // namespace bulkhead::spec
