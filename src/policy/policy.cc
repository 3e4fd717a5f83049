#include "policy/policy.h"

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "json/write.h"
#include "policy/defaults.h"
#include "policy/pattern.h"
#include "policy/settings.h"

namespace bulkhead::policy {
namespace {

using Scope = RestrictedPath::Scope;

constexpr char kCommandListKey[] = "enhancedContainerIsolation.dockerSocketMount.commandList.commands";

// Adds an entry; one for the same path becomes the stricter of the two.
void restrict_path(Policy& policy, std::string_view path, std::string_view reason, Scope scope) {
  auto same = std::ranges::find(policy.restricted, path, &RestrictedPath::path);
  if (same == policy.restricted.end())
    policy.restricted.push_back({std::string(path), std::string(reason), scope});
  else if (scope == Scope::kAlways)
    *same = {std::string(path), std::string(reason), scope};
}

void add_data_root(Policy& policy, std::string_view root) {
  restrict_path(policy, root, "an engine's data: every image, container and volume",
                Scope::kAlways);
  for (const auto& exception : docker_exceptions())
    policy.exceptions.push_back(
        {cat(root, exception.path),
         exception.bundle.empty() ? std::string() : cat(root, exception.bundle)});
}

void add_engine_socket(Policy& policy, std::string_view path) {
  policy.engine_sockets.emplace_back(path);
  restrict_path(policy, path, "an engine's control socket", Scope::kAlways);
}

Result<> remove_restricted(Policy& policy, const std::vector<std::string>& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (std::erase_if(policy.restricted, [&](const auto& r) { return r.path == paths[i]; }) == 0)
      return fail(cat("bulkhead.restrictedMounts.remove[", i, "]: ", json::quote(paths[i]),
                      " is not a restricted path"));
  return {};
}

Result<> change_data_directories(Policy& policy, const DataDirectorySettings& settings) {
  for (std::size_t i = 0; i < settings.remove.size(); ++i)
    if (std::erase_if(policy.data_directories,
                      [&](const auto& d) { return d.path == settings.remove[i]; }) == 0)
      return fail(cat("bulkhead.innerDataDirectories.remove[", i, "]: ", json::quote(settings.remove[i]),
                      " is not a data directory"));
  for (const auto& path : settings.add) policy.data_directories.push_back({path, {}});
  return {};
}

Result<> apply(Policy& policy, const BulkheadSettings& settings) {
  policy.mode = settings.mode == "audit" ? Mode::kAudit : Mode::kEnforce;
  policy.unprotected = settings.unprotected == "allow" ? Unprotected::kAllow : Unprotected::kRefuse;
  policy.registry = settings.registry;
  for (const auto& root : settings.data_roots) add_data_root(policy, root);
  policy.data_roots = settings.data_roots;
  for (const auto& socket : settings.engine_sockets) add_engine_socket(policy, socket);
  const auto& mounts = settings.restricted_mounts;
  TRY(remove_restricted(policy, mounts.remove));
  for (const auto& path : mounts.add)
    restrict_path(policy, path, "listed in bulkhead.restrictedMounts.add of the settings",
                  Scope::kAlways);
  for (const auto& pattern : mounts.exceptions) policy.exceptions.push_back({pattern, {}});
  policy.parents = mounts.parents == "mask" ? Parents::kMask : Parents::kRefuse;
  if (settings.devices.allow) policy.allowed_devices = *settings.devices.allow;
  TRY(change_data_directories(policy, settings.data_directories));
  if (const auto& pool = settings.id_pool; pool && pool->start)
    policy.id_pool.fixed = {*pool->start, pool->ranges.value_or(limits::kIdRanges)};
  else if (pool)
    policy.id_pool.user = pool->user;
  policy.unmappable_mounts = settings.unmappable_mounts == "unmapped-readonly"
                                 ? UnmappableMounts::kUnmappedReadonly
                                 : UnmappableMounts::kRefuse;
  return {};
}

CommandList command_list(std::string_view type, std::vector<std::string> commands, std::string key) {
  return {type == "allow" ? CommandListType::kAllow : CommandListType::kDeny, std::move(commands),
          std::move(key)};
}

Result<> apply(Policy& policy, IsolationSettings settings) {
  policy.isolation_locked = settings.locked.value_or(policy.isolation_locked);
  policy.isolation_on = settings.value.value_or(policy.isolation_on);
  auto& mount = settings.docker_socket_mount;
  policy.docker_socket.images = TRY(images::ImageList::make(mount.image_list.images,
                                                            mount.image_list.allow_derived_images));
  policy.docker_socket.command_list = command_list(mount.command_list.type,
                                                   std::move(mount.command_list.commands), kCommandListKey);
  return {};
}

Result<> apply_command_lists(DockerSocketMount& mount, std::vector<ImageCommandListSettings> lists) {
  for (std::size_t i = 0; i < lists.size(); ++i) {
    auto& added = mount.image_command_lists.emplace_back();
    for (const auto& image : lists[i].images) added.images.push_back(TRY(images::Pattern::parse(image)));
    added.list = command_list(lists[i].type, std::move(lists[i].commands),
                              cat("bulkhead.dockerSocketMount.commandLists[", i, "].commands"));
  }
  return {};
}

Result<Policy> parse_policy(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.size() > limits::kPolicyBytes)
    return fail(cat(text.size(), " bytes, more than the limit of ", limits::kPolicyBytes));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  auto document = TRY(json::parse(text));
  if (const auto* object = document.if_object()) TRY(check_sections(*object));
  auto settings = TRY(json::read<Settings>(document));
  Policy policy = default_policy();
  TRY(apply(policy, std::move(settings.isolation)));
  auto& lists = settings.bulkhead.docker_socket_mount.command_lists;
  TRY(apply_command_lists(policy.docker_socket, std::move(lists)));
  TRY(apply(policy, settings.bulkhead));
  return policy;
}

bool applies(const RestrictedPath& entry, bool writable) {
  return writable || entry.scope == Scope::kAlways;
}

bool is_excepted(const Policy& policy, std::string_view path, std::string_view bundle) {
  return std::ranges::any_of(policy.exceptions, [&](const Exception& exception) {
    return matches(exception.path, path) &&
           (exception.bundle.empty() || matches(exception.bundle, bundle));
  });
}

}  // namespace

Policy default_policy() {
  Policy policy;
  policy.docker_socket.command_list.key = kCommandListKey;
  auto always = default_restricted_always(), writable = default_restricted_writable();
  policy.restricted.reserve(always.size() + writable.size() + default_engine_sockets().size());
  for (auto [path, reason] : always)
    policy.restricted.push_back({std::string(path), std::string(reason), Scope::kAlways});
  for (auto [path, reason] : writable)
    policy.restricted.push_back({std::string(path), std::string(reason), Scope::kWritable});
  for (auto socket : default_engine_sockets()) add_engine_socket(policy, socket);
  for (auto [path, bundle] : default_exceptions())
    policy.exceptions.push_back({std::string(path), std::string(bundle)});
  add_data_root(policy, kDockerDataRoot);
  for (auto device : default_devices()) policy.allowed_devices.emplace_back(device);
  for (auto [path, program] : default_data_directories()) {
    auto same = std::ranges::find(policy.data_directories, path, &DataDirectory::path);
    if (same == policy.data_directories.end())
      same = policy.data_directories.insert(same, {std::string(path), {}});
    same->programs.emplace_back(program);
  }
  return policy;
}

Result<Policy> read_policy(std::string_view text, std::string_view file_name) {
  return TRY_IN(file_name, parse_policy(text));
}

const RestrictedPath* find_restriction(const Policy& policy, std::string_view path, bool writable,
                                       std::string_view bundle) {
  if (!is_canonical(path)) {
    static const RestrictedPath kUnresolved{"/", "not a resolved path", Scope::kAlways};
    return &kUnresolved;
  }
  const RestrictedPath* longest = nullptr;
  for (const auto& entry : policy.restricted)
    if (applies(entry, writable) && is_at_or_below(path, entry.path) &&
        (!longest || entry.path.size() > longest->path.size()))
      longest = &entry;
  return longest && is_excepted(policy, path, bundle) ? nullptr : longest;
}

std::vector<const RestrictedPath*> restrictions_below(const Policy& policy, std::string_view path,
                                                      bool writable) {
  std::vector<const RestrictedPath*> below;
  for (const auto& entry : policy.restricted)
    if (applies(entry, writable) && entry.path != path && is_at_or_below(entry.path, path))
      below.push_back(&entry);
  return below;
}

const CommandList& command_list_for(const Policy& policy, const images::Reference& verified) {
  if (verified != images::Reference{})
    for (const auto& [patterns, list] : policy.docker_socket.image_command_lists)
      for (const auto& pattern : patterns)
        if (pattern.matches(verified)) return list;
  return policy.docker_socket.command_list;
}

bool is_device_allowed(const Policy& policy, std::string_view path) {
  return std::ranges::any_of(policy.allowed_devices,
                             [&](const auto& pattern) { return matches(pattern, path); });
}

}  // namespace bulkhead::policy
