// Internal to policy/: the settings file as written, before the defaults are merged in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/fields.h"
#include "policy/policy.h"

namespace bulkhead::policy {

struct ImageListSettings {
  std::vector<std::string> images;
  bool allow_derived_images = false;
};

struct CommandListSettings {
  std::string type = "deny";
  std::vector<std::string> commands;
};

struct ImageCommandListSettings {
  std::vector<std::string> images;
  std::string type = "deny";
  std::vector<std::string> commands;
};

struct SocketMountSettings {
  ImageListSettings image_list;
  CommandListSettings command_list;
};

struct IsolationSettings {
  std::optional<bool> locked, value;
  SocketMountSettings docker_socket_mount;
};

struct RestrictedMountsSettings {
  std::vector<std::string> add, remove, exceptions;
  std::string parents = "refuse";
};

struct DeviceSettings {
  std::optional<std::vector<std::string>> allow;
};

struct DataDirectorySettings {
  std::vector<std::string> add, remove;
};

struct IdPoolSettings {
  std::string user;
  std::optional<std::uint32_t> start, ranges;
};

struct OwnSocketSettings {
  std::vector<ImageCommandListSettings> command_lists;
};

struct BulkheadSettings {
  std::string mode = "enforce", unprotected = "refuse";
  OwnSocketSettings docker_socket_mount;
  Registry registry;
  RestrictedMountsSettings restricted_mounts;
  std::vector<std::string> data_roots, engine_sockets;
  DeviceSettings devices;
  DataDirectorySettings data_directories;
  std::optional<IdPoolSettings> id_pool;
  std::string unmappable_mounts = "refuse";
};

struct Settings {
  std::optional<std::int64_t> version;
  IsolationSettings isolation;
  BulkheadSettings bulkhead;
};

json::Table<Settings> fields_of(std::type_identity<Settings>);
json::Table<Registry> fields_of(std::type_identity<Registry>);  // settings_registry.cc

// Refuses keys of the whole document that are one of its sections with a slip of the pen.
Result<> check_sections(const json::Object& document);

}  // namespace bulkhead::policy
