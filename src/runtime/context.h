// What every command gets: the global options, opened.
#pragma once

#include <string>

#include "policy/policy.h"
#include "runtime/store.h"

namespace bulkhead::runtime {

inline constexpr char kRunDirectory[] = "/run/bulkhead";
inline constexpr char kSettingsFile[] = "/etc/bulkhead/admin-settings.json";

struct Context {
  Store store;
  std::string settings_file = kSettingsFile;
  bool systemd_cgroup = false;
  std::string trace_file;  // --trace-setup
};

// The policy in force; a missing settings file gives the defaults, a broken one an error.
Result<policy::Policy> load_policy(const Context& context);

}  // namespace bulkhead::runtime
