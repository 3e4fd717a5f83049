#include "guard/log_drivers.h"

#include <algorithm>

#include "base/strings.h"
#include "guard/shape.h"

namespace bulkhead::guard {
namespace {

struct Driver {
  std::string_view name;
  std::string_view address;  // its option that says where to, or empty
};

constexpr Driver kDrivers[] = {
    {"", ""},          {"none", ""},        {"local", ""},
    {"json-file", ""}, {"journald", ""},    {"syslog", "syslog-address"},
    {"gelf", "gelf-address"}, {"fluentd", "fluentd-address"}, {"splunk", "splunk-url"},
    {"awslogs", "awslogs-endpoint"}, {"gcplogs", ""}, {"logentries", ""}, {"etwlogs", ""},
};

// Options that name files which the engine would read.
bool names_file(std::string_view option) {
  constexpr std::string_view kFiles[] = {"syslog-tls-ca-cert",  "syslog-tls-cert", "syslog-tls-key",
                                         "splunk-capath",       "gelf-tls-ca-cert", "fluentd-tls-ca-cert",
                                         "awslogs-credentials-endpoint"};
  return std::ranges::find(kFiles, option) != std::end(kFiles);
}

}  // namespace

Verdict<> judge_log_config(const json::Object* log_config) {
  if (!log_config) return {};
  auto type = text_of(*log_config, "Type");
  auto driver = std::ranges::find(kDrivers, type, &Driver::name);
  if (driver == std::end(kDrivers))
    return refuse("log-driver", cat("the log driver \"", type, "\" is not one that bulkhead-guard knows"));
  const auto* options = child_of(*log_config, "Config");
  if (!options) return {};
  for (const auto& option : *options) {
    std::string_view name(option.key().data(), option.key().size());
    if (!option.value().is_string()) continue;
    auto value = text_of(option.value());
    if (names_file(name))
      return refuse("log-driver",
                    cat("the log option ", name, " names a file that the engine would read as the ",
                        "host's root; set it for the whole engine in daemon.json"));
    if (name == driver->address && (value.starts_with("unix") || value.starts_with('/')))
      return refuse("log-driver",
                    cat("the log option ", name, "=", value, " would connect the container's output ",
                        "to a unix socket of the host; use tcp:// or udp://"));
  }
  return {};
}

}  // namespace bulkhead::guard
