// The tables of admin-settings.json. Outside the "bulkhead" section unknown keys are Docker
// Desktop's business and ignored; inside it every key must be known.
#include "policy/settings.h"

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "json/write.h"
#include "policy/defaults.h"
#include "policy/pattern.h"

namespace bulkhead::policy {

using json::custom;
using json::field;
using json::fields;
using json::one_of;
using json::Path;
using json::Table;
using json::Unknown;
using json::Value;

namespace {

constexpr std::string_view kListTypes[] = {"deny", "allow"};
constexpr std::string_view kParents[] = {"refuse", "mask"};
constexpr std::string_view kUnmappable[] = {"refuse", "unmapped-readonly"};

// Arrays of strings that each must satisfy `Check`.
template <bool (*Check)(std::string_view), const char* Expected>
struct ReadList {
  Result<> operator()(std::vector<std::string>& out, const Value& value, const Path& path) const {
    TRY(json::read_value(out, value, path));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (!Check(out[i]))
        return json::fail_at(Path(path, i), cat(json::quote(out[i]), " is not ", Expected));
    return {};
  }
  Result<> operator()(std::optional<std::vector<std::string>>& out, const Value& value,
                      const Path& path) const {
    return (*this)(out.emplace(), value, path);
  }
};

bool is_host_path(std::string_view path) { return is_canonical(path) && path != "/"; }

// Becomes part of patterns, where a star would mean more than this directory.
bool is_data_root(std::string_view path) { return is_host_path(path) && !path.contains('*'); }

// The characters of image references and our wildcard; registry/ judges the rest of the syntax.
bool is_image_pattern(std::string_view image) {
  return !image.empty() && image.size() <= 512 && std::ranges::all_of(image, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:@*").contains(c);
  });
}

constexpr char kExpectedPath[] =
    "an absolute path below / without \".\", \"..\", \"//\" or a slash at the end";
constexpr char kExpectedRoot[] =
    "an absolute path below / without \".\", \"..\", \"//\", \"*\" or a slash at the end";
constexpr char kExpectedPattern[] =
    "an absolute path pattern (\"*\" within a component, \"/**\" at the end for all below)";
constexpr char kExpectedImage[] = "an image reference such as docker:cli, ci/*:* or *";
constexpr char kExpectedCommand[] = "a command of the docker CLI, or a wildcard such as image*";

using HostPaths = ReadList<is_host_path, kExpectedPath>;
using DataRoots = ReadList<is_data_root, kExpectedRoot>;
using Patterns = ReadList<is_pattern, kExpectedPattern>;
using Images = ReadList<is_image_pattern, kExpectedImage>;
using Commands = ReadList<is_docker_command, kExpectedCommand>;

Result<> read_version(Settings& out, const Value& value, const Path& path) {
  out.version = TRY(json::read_signed(value, path, 1, 2));
  return {};
}

Result<> check_id_pool(IdPoolSettings& pool, const Path& path) {
  if (pool.user.empty() == !pool.start)
    return json::fail_at(path, "expected either \"user\" or \"start\" (and \"ranges\")");
  if (!pool.user.empty() && pool.ranges)
    return json::fail_at(Path(path, "ranges"), "belongs to \"start\", not to \"user\"");
  if (pool.user.find_first_of(": \t\n#") != pool.user.npos)
    return json::fail_at(Path(path, "user"), "is no user name");
  if (!pool.start) return {};
  // Below are the host's own users: a range there would make a container's root one of them.
  if (*pool.start < limits::kIdRange)
    return json::fail_at(Path(path, "start"), cat("must be at least ", limits::kIdRange));
  std::uint64_t ranges = pool.ranges.value_or(limits::kIdRanges);
  if (ranges == 0) return json::fail_at(Path(path, "ranges"), "must be above 0");
  if (*pool.start + ranges * limits::kIdRange > 0xffffffff)
    return json::fail_at(path, cat(ranges, " ranges of ", limits::kIdRange, " ids from ",
                                   *pool.start, " go beyond the highest id, 4294967294"));
  return {};
}

}  // namespace

Table<ImageList> fields_of(std::type_identity<ImageList>) {
  static constexpr auto kFields = fields<ImageList>({
      {"images", field<&ImageList::images, Images{}>},
      {"allowDerivedImages", field<&ImageList::allow_derived_images>},
  });
  return {kFields};
}

Table<CommandList> fields_of(std::type_identity<CommandList>) {
  static constexpr auto kFields = fields<CommandList>({
      {"type", one_of<&CommandList::type, kListTypes>},
      {"commands", field<&CommandList::commands, Commands{}>},
  });
  return {kFields};
}

Table<SocketMountSettings> fields_of(std::type_identity<SocketMountSettings>) {
  static constexpr auto kFields = fields<SocketMountSettings>({
      {"imageList", field<&SocketMountSettings::image_list>},
      {"commandList", field<&SocketMountSettings::command_list>},
  });
  return {kFields};
}

Table<IsolationSettings> fields_of(std::type_identity<IsolationSettings>) {
  static constexpr auto kFields = fields<IsolationSettings>({
      {"locked", field<&IsolationSettings::locked>},
      {"value", field<&IsolationSettings::value>},
      {"dockerSocketMount", field<&IsolationSettings::docker_socket_mount>},
  });
  return {kFields};
}

Table<RestrictedMountsSettings> fields_of(std::type_identity<RestrictedMountsSettings>) {
  using Mounts = RestrictedMountsSettings;
  static constexpr auto kFields = fields<Mounts>({
      {"add", field<&Mounts::add, HostPaths{}>},
      {"remove", field<&Mounts::remove, HostPaths{}>},
      {"exceptions", field<&Mounts::exceptions, Patterns{}>},
      {"parents", one_of<&Mounts::parents, kParents>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<DeviceSettings> fields_of(std::type_identity<DeviceSettings>) {
  static constexpr auto kFields = fields<DeviceSettings>({
      {"allow", field<&DeviceSettings::allow, Patterns{}>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<DataDirectorySettings> fields_of(std::type_identity<DataDirectorySettings>) {
  static constexpr auto kFields = fields<DataDirectorySettings>({
      {"add", field<&DataDirectorySettings::add, HostPaths{}>},
      {"remove", field<&DataDirectorySettings::remove, HostPaths{}>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<IdPoolSettings> fields_of(std::type_identity<IdPoolSettings>) {
  static constexpr auto kFields = fields<IdPoolSettings>({
      {"user", field<&IdPoolSettings::user>},
      {"start", field<&IdPoolSettings::start>},
      {"ranges", field<&IdPoolSettings::ranges>},
  });
  return {kFields, Unknown::kRefuse, check_id_pool};
}

Table<BulkheadSettings> fields_of(std::type_identity<BulkheadSettings>) {
  using Own = BulkheadSettings;
  static constexpr auto kFields = fields<Own>({
      {"restrictedMounts", field<&Own::restricted_mounts>},
      {"dataRoots", field<&Own::data_roots, DataRoots{}>},
      {"engineSockets", field<&Own::engine_sockets, HostPaths{}>},
      {"devices", field<&Own::devices>},
      {"innerDataDirectories", field<&Own::data_directories>},
      {"idPool", field<&Own::id_pool>},
      {"unmappableMounts", one_of<&Own::unmappable_mounts, kUnmappable>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<Settings> fields_of(std::type_identity<Settings>) {
  static constexpr auto kFields = fields<Settings>({
      {"configurationFileVersion", custom<read_version>},
      {"enhancedContainerIsolation", field<&Settings::isolation>},
      {"bulkhead", field<&Settings::bulkhead>},
  });
  return {kFields};
}

}  // namespace bulkhead::policy
