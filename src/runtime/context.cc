#include "runtime/context.h"

#include "base/limits.h"
#include "sys/file.h"

namespace bulkhead::runtime {

Result<policy::Policy> load_policy(const Context& context) {
  auto text = sys::read_file(context.settings_file, limits::kPolicyBytes);
  if (!text && text.error().code == ENOENT && context.settings_file == kSettingsFile)
    return policy::default_policy();
  if (!text) return std::unexpected(std::move(text).error().wrap("settings file"));
  return policy::read_policy(*text, context.settings_file);
}

}  // namespace bulkhead::runtime
