// Internal to policy/: the settings file as written, before the defaults are merged in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/fields.h"
#include "policy/policy.h"

namespace bulkhead::policy {

struct ImageList {
  std::vector<std::string> images;
  bool allow_derived_images = false;
};

struct CommandList {
  std::string type = "deny";
  std::vector<std::string> commands;
};

struct SocketMountSettings {
  ImageList image_list;
  CommandList command_list;
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

struct BulkheadSettings {
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

}  // namespace bulkhead::policy
