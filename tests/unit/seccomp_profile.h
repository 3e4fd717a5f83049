// Test helper: the "linux.seccomp" object of a file under tests/data as a spec value.
#pragma once

#include <boost/json.hpp>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "spec/types.h"

namespace bulkhead::testing {
namespace detail {

inline std::optional<std::uint32_t> number(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (!value || value->is_null()) return std::nullopt;
  return value->to_number<std::uint32_t>();
}

inline std::vector<std::string> texts(const boost::json::object& object, const char* key) {
  std::vector<std::string> out;
  if (const auto* value = object.if_contains(key))
    for (const auto& item : value->as_array()) out.emplace_back(item.as_string());
  return out;
}

inline spec::SeccompSyscall rule(const boost::json::object& object) {
  spec::SeccompSyscall out{.names = texts(object, "names"),
                           .action = std::string(object.at("action").as_string()),
                           .errno_ret = number(object, "errnoRet")};
  const auto* args = object.if_contains("args");
  if (!args) return out;
  for (const auto& item : args->as_array()) {
    const auto& arg = item.as_object();
    const auto* two = arg.if_contains("valueTwo");
    out.args.push_back({.index = *number(arg, "index"),
                        .value = arg.at("value").to_number<std::uint64_t>(),
                        .value_two = two ? two->to_number<std::uint64_t>() : 0,
                        .op = std::string(arg.at("op").as_string())});
  }
  return out;
}

}  // namespace detail

inline spec::Seccomp load_profile(const std::string& name) {
  std::ifstream file(std::string(BULKHEAD_TEST_DATA "/") + name);
  if (!file) throw std::runtime_error("no test data " + name);
  std::stringstream text;
  text << file.rdbuf();
  const auto json = boost::json::parse(text.str());
  const auto& object = json.as_object();
  spec::Seccomp out{.default_action = std::string(object.at("defaultAction").as_string()),
                    .default_errno_ret = detail::number(object, "defaultErrnoRet"),
                    .architectures = detail::texts(object, "architectures"),
                    .flags = detail::texts(object, "flags")};
  for (const auto& item : object.at("syscalls").as_array())
    out.syscalls.push_back(detail::rule(item.as_object()));
  return out;
}

}  // namespace bulkhead::testing
