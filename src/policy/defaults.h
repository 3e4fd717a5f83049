// Internal to policy/: the built-in lists.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "policy/policy.h"

namespace bulkhead::policy {

struct DefaultPath {
  std::string_view path, reason;
};

struct DefaultException {
  std::string_view path;    // absolute, or below a data root
  std::string_view bundle;  // likewise, or empty
};

struct DefaultDataDirectory {
  std::string_view path, program;
};

std::span<const DefaultDataDirectory> default_data_directories();
std::span<const DefaultPath> default_restricted_always();
std::span<const DefaultPath> default_restricted_writable();
std::span<const std::string_view> default_engine_sockets();
std::span<const DefaultException> default_exceptions();
std::span<const std::string_view> default_devices();

// Docker's data roots: /var/lib/docker. Its exceptions apply to every extra root as well.
inline constexpr std::string_view kDockerDataRoot = "/var/lib/docker";
std::span<const DefaultException> docker_exceptions();

}  // namespace bulkhead::policy
