#include "spec/read.h"

#include "base/limits.h"
#include "base/strings.h"
#include "spec/tables.h"

namespace bulkhead::spec {
namespace {

using json::custom;
using json::field;
using json::fields;
using json::kRequired;
using json::Path;
using json::Value;

// Semantic version, major 1: "1.0.2-dev", "1.1.0+dev", "1.2.1".
Result<> read_version(Spec& out, const Value& value, const Path& path) {
  TRY(json::read_value(out.oci_version, value, path));
  std::string_view version = out.oci_version;
  auto parts = split(version.substr(0, version.find_first_of("-+")), '.');
  bool is_semantic = parts.size() == 3;
  for (auto part : parts) is_semantic = is_semantic && parse_decimal<std::uint32_t>(part);
  if (!is_semantic) return json::fail_at(path, "expected a version such as 1.2.1");
  if (parts[0] != "1")
    return json::fail_at(path, cat("version ", parts[0], " is not supported, only 1"));
  return {};
}

Result<> read_annotations(Spec& out, const Value& value, const Path& path) {
  TRY(json::read_value(out.annotations, value, path));
  if (out.annotations.contains("")) return json::fail_at(path, "empty key");
  return {};
}

Result<> check_root(Root& root, const Path& path) {
  if (root.path.empty()) return json::fail_at(Path(path, "path"), "must not be empty");
  return {};
}

Result<Value> parse_limited(std::string_view text) {
  if (text.size() > limits::kConfigBytes)
    return fail(cat(text.size(), " bytes, more than the limit of ", limits::kConfigBytes));
  return json::parse(text);
}

}  // namespace

json::Table<Root> fields_of(std::type_identity<Root>) {
  static constexpr auto kFields = fields<Root>({
      {"path", field<&Root::path>, kRequired},
      {"readonly", field<&Root::readonly>},
  });
  return {kFields, check_root};
}

json::Table<Spec> fields_of(std::type_identity<Spec>) {
  static constexpr auto kFields = fields<Spec>({
      {"ociVersion", custom<read_version>, kRequired},
      {"process", field<&Spec::process>},
      {"root", field<&Spec::root>, kRequired},
      {"hostname", field<&Spec::hostname>},
      {"domainname", field<&Spec::domainname>},
      {"mounts", field<&Spec::mounts, ReadAtMost<limits::kMounts>{}>},
      {"hooks", field<&Spec::hooks>},
      {"annotations", custom<read_annotations>},
      {"linux", field<&Spec::linux_>},
  });
  return {kFields};
}

Result<Spec> read_spec(std::string_view json) {
  return json::read<Spec>(TRY(parse_limited(json)));
}

Result<Process> read_process(std::string_view json) {
  return json::read<Process>(TRY(parse_limited(json)), Path("process"));
}

Result<Resources> read_resources(std::string_view json) {
  return json::read<Resources>(TRY(parse_limited(json)), Path("resources"));
}

}  // namespace bulkhead::spec
