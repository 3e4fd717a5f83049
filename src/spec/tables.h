// Internal to spec/: the tables of the objects that more than one file reads, and the readers for
// values that the specification restricts further than their JSON type.
#pragma once

#include <type_traits>

#include "json/fields.h"
#include "spec/types.h"

namespace bulkhead::spec {

json::Table<Process> fields_of(std::type_identity<Process>);
json::Table<Mount> fields_of(std::type_identity<Mount>);
json::Table<IdMapping> fields_of(std::type_identity<IdMapping>);
json::Table<Hooks> fields_of(std::type_identity<Hooks>);
json::Table<Linux> fields_of(std::type_identity<Linux>);
json::Table<Device> fields_of(std::type_identity<Device>);
json::Table<DeviceRule> fields_of(std::type_identity<DeviceRule>);
json::Table<Resources> fields_of(std::type_identity<Resources>);
json::Table<BlockIoResources> fields_of(std::type_identity<BlockIoResources>);
json::Table<Seccomp> fields_of(std::type_identity<Seccomp>);

// User and group ids. 4294967295 is (uid_t)-1, which setuid() and chown() take as "leave it": a
// container that asked for it would stay root (compare CVE-2024-40635).
struct ReadId {
  Result<> operator()(std::uint32_t& out, const json::Value& value, const json::Path& path) const;
  Result<> operator()(std::optional<std::uint32_t>& out, const json::Value& value,
                      const json::Path& path) const;
  Result<> operator()(std::vector<std::uint32_t>& out, const json::Value& value,
                      const json::Path& path) const;
};

// Strings that must be absolute paths.
struct ReadAbsolutePath {
  Result<> operator()(std::string& out, const json::Value& value, const json::Path& path) const;
  Result<> operator()(std::vector<std::string>& out, const json::Value& value,
                      const json::Path& path) const;
};

// Integers between Min and Max, into any integer type or an optional of one.
template <std::int64_t Min, std::int64_t Max>
struct ReadBetween {
  template <std::integral Int>
  Result<> operator()(Int& out, const json::Value& value, const json::Path& path) const {
    out = static_cast<Int>(TRY(json::read_signed(value, path, Min, Max)));
    return {};
  }
  template <std::integral Int>
  Result<> operator()(std::optional<Int>& out, const json::Value& value,
                      const json::Path& path) const {
    return (*this)(out.emplace(), value, path);
  }
};

// Arrays and maps with a limit of their own.
template <std::size_t MaxItems>
struct ReadAtMost {
  template <typename T>
  Result<> operator()(T& out, const json::Value& value, const json::Path& path) const {
    if (value.is_array()) TRY(json::array_in(value, path, MaxItems));
    return json::read_value(out, value, path);
  }
};

// Object of a feature that is known and that we do not have: refused by name, unless it is empty.
template <typename T>
Result<> unsupported(T&, const json::Value& value, const json::Path& path) {
  const auto* object = value.if_object();
  if (object && object->empty()) return {};
  return json::fail_at(path, "is not supported by bulkhead; remove it from the configuration");
}

}  // namespace bulkhead::spec
