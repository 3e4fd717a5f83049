// Device nodes and the device rules of the cgroup.
#include "base/strings.h"
#include "spec/tables.h"

namespace bulkhead::spec {

using json::custom;
using json::field;
using json::fields;
using json::kRequired;
using json::Path;
using json::Table;
using json::Value;

namespace {

// One letter out of `letters`.
Result<char> read_letter(const Value& value, const Path& path, std::string_view letters) {
  std::string text;
  TRY(json::read_value(text, value, path));
  if (text.size() == 1 && letters.contains(text.front())) return text.front();
  return json::fail_at(path, cat("expected one letter of \"", letters, "\""));
}

Result<> read_device_type(Device& out, const Value& value, const Path& path) {
  out.type = TRY(read_letter(value, path, "cbup"));
  return {};
}

Result<> read_rule_type(DeviceRule& out, const Value& value, const Path& path) {
  const auto* text = value.if_string();
  out.type = text && text->empty() ? 'a' : TRY(read_letter(value, path, "acb"));
  return {};
}

Result<> read_access(DeviceRule& out, const Value& value, const Path& path) {
  TRY(json::read_value(out.access, value, path));
  if (out.access.empty() || out.access.find_first_not_of("rwm") != std::string::npos)
    return json::fail_at(path, "expected letters of \"rwm\"");
  return {};
}

constexpr std::int64_t kHighestNumber =
    0xffffffff;  // glibc's makedev; the kernel has 12 and 20 bits
using Number = ReadBetween<0, kHighestNumber>;
using NumberOrAll = ReadBetween<-1, kHighestNumber>;

}  // namespace

Table<Device> fields_of(std::type_identity<Device>) {
  static constexpr auto kFields = fields<Device>({
      {"path", field<&Device::path, ReadAbsolutePath{}>, kRequired},
      {"type", custom<read_device_type>, kRequired},
      {"major", field<&Device::major, Number{}>},
      {"minor", field<&Device::minor, Number{}>},
      {"fileMode", field<&Device::file_mode>},
      {"uid", field<&Device::uid, ReadId{}>},
      {"gid", field<&Device::gid, ReadId{}>},
  });
  return {kFields};
}

Table<DeviceRule> fields_of(std::type_identity<DeviceRule>) {
  static constexpr auto kFields = fields<DeviceRule>({
      {"allow", field<&DeviceRule::allow>, kRequired},
      {"type", custom<read_rule_type>},
      {"major", field<&DeviceRule::major, NumberOrAll{}>},
      {"minor", field<&DeviceRule::minor, NumberOrAll{}>},
      {"access", custom<read_access>, kRequired},
  });
  return {kFields};
}

}  // namespace bulkhead::spec
