// The tables of admin-settings.json. Keys beside our two sections are Docker Desktop's other
// settings and ignored; inside the sections every key must be known: a restriction that is misspelt
// would not hold.
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
constexpr std::string_view kModes[] = {"enforce", "audit"};
constexpr std::string_view kUnprotected[] = {"refuse", "allow"};
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

// Entries of an image list; the error says what is wrong with the reference.
struct Images {
  Result<> operator()(std::vector<std::string>& out, const Value& value, const Path& path) const {
    TRY(json::read_value(out, value, path));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (auto pattern = images::Pattern::parse(out[i]); !pattern)
        return json::fail_at(Path(path, i), cat(json::quote(out[i]), " is no image reference: ",
                                                pattern.error().message));
    return {};
  }
};

constexpr char kExpectedPath[] =
    "an absolute path below / without \".\", \"..\", \"//\" or a slash at the end";
constexpr char kExpectedRoot[] =
    "an absolute path below / without \".\", \"..\", \"//\", \"*\" or a slash at the end";
constexpr char kExpectedPattern[] =
    "an absolute path pattern (\"*\" within a component, \"/**\" at the end for all below)";
constexpr char kExpectedCommand[] = "a command of the docker CLI, or a wildcard such as image*";

using HostPaths = ReadList<is_host_path, kExpectedPath>;
using DataRoots = ReadList<is_data_root, kExpectedRoot>;
using Patterns = ReadList<is_pattern, kExpectedPattern>;
using Commands = ReadList<is_command_entry, kExpectedCommand>;

Result<> read_version(Settings& out, const Value& value, const Path& path) {
  out.version = TRY(json::read_signed(value, path, 1, 2));
  return {};
}

Result<> check_image_command_list(ImageCommandListSettings& list, const Path& path) {
  if (list.images.empty()) return json::fail_at(Path(path, "images"), "names no image");
  for (std::size_t i = 0; i < list.images.size(); ++i)
    if (list.images[i] == "*")
      return json::fail_at(Path(Path(path, "images"), i),
                           "\"*\" is every image: that list is enhancedContainerIsolation."
                           "dockerSocketMount.commandList");
  return {};
}

// Whether one letter added, left out, changed or swapped with its neighbour makes `a` of `b`, in
// whatever case.
bool is_slip(std::string_view a, std::string_view b) {
  auto lower = [](std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
  };
  std::string x = lower(a), y = lower(b);
  auto [at_x, at_y] = std::ranges::mismatch(x, y);
  if (at_x == x.end() || at_y == y.end()) return x.size() + 1 >= y.size() && y.size() + 1 >= x.size();
  std::string_view rest_x(at_x, x.end()), rest_y(at_y, y.end());
  return rest_x.substr(1) == rest_y || rest_x == rest_y.substr(1) || rest_x.substr(1) == rest_y.substr(1) ||
         (rest_x.size() > 1 && rest_y.size() > 1 && rest_x[0] == rest_y[1] && rest_x[1] == rest_y[0] &&
          rest_x.substr(2) == rest_y.substr(2));
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

Table<ImageListSettings> fields_of(std::type_identity<ImageListSettings>) {
  using List = ImageListSettings;
  static constexpr auto kFields = fields<List>({
      {"images", field<&List::images, Images{}>},
      {"allowDerivedImages", field<&List::allow_derived_images>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<CommandListSettings> fields_of(std::type_identity<CommandListSettings>) {
  using List = CommandListSettings;
  static constexpr auto kFields = fields<List>({
      {"type", one_of<&List::type, kListTypes>},
      {"commands", field<&List::commands, Commands{}>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<ImageCommandListSettings> fields_of(std::type_identity<ImageCommandListSettings>) {
  using List = ImageCommandListSettings;
  static constexpr auto kFields = fields<List>({
      {"images", field<&List::images, Images{}>, json::kRequired},
      {"type", one_of<&List::type, kListTypes>},
      {"commands", field<&List::commands, Commands{}>, json::kRequired},
  });
  return {kFields, Unknown::kRefuse, check_image_command_list};
}

Table<OwnSocketSettings> fields_of(std::type_identity<OwnSocketSettings>) {
  static constexpr auto kFields = fields<OwnSocketSettings>({
      {"commandLists", field<&OwnSocketSettings::command_lists>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<SocketMountSettings> fields_of(std::type_identity<SocketMountSettings>) {
  static constexpr auto kFields = fields<SocketMountSettings>({
      {"imageList", field<&SocketMountSettings::image_list>},
      {"commandList", field<&SocketMountSettings::command_list>},
  });
  return {kFields, Unknown::kRefuse};
}

Table<IsolationSettings> fields_of(std::type_identity<IsolationSettings>) {
  static constexpr auto kFields = fields<IsolationSettings>({
      {"locked", field<&IsolationSettings::locked>},
      {"value", field<&IsolationSettings::value>},
      {"dockerSocketMount", field<&IsolationSettings::docker_socket_mount>},
  });
  return {kFields, Unknown::kRefuse};
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
      {"mode", one_of<&Own::mode, kModes>},
      {"unprotectedContainers", one_of<&Own::unprotected, kUnprotected>},
      {"dockerSocketMount", field<&Own::docker_socket_mount>},
      {"registry", field<&Own::registry>},
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

Result<> check_sections(const json::Object& document) {
  for (const auto& member : document) {
    std::string_view key(member.key().data(), member.key().size());
    for (std::string_view section : {"configurationFileVersion", "enhancedContainerIsolation", "bulkhead"})
      if (key != section && is_slip(key, section))
        return json::fail_at(Path(Path(), key), cat("must be written \"", section, "\""));
  }
  return {};
}

}  // namespace bulkhead::policy
