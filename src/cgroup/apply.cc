#include "cgroup/apply.h"

#include <fcntl.h>

#include "base/strings.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

std::string hint(const Setting& setting, int code) {
  if (setting.key == "memory.limit" && code == EINVAL)
    return "; the limit must not be above memory.swap (memory and swap together): set both";
  if (setting.key == "memory.limit" && code == EBUSY) return "; more than that is in use";
  if (code == ENODEV || code == ENXIO) return "; the host has no such device";
  return {};
}

Error describe(const Setting& setting, const std::string& file, int code) {
  if (code == ENOENT)
    return {code, cat("resources.", setting.key, ": no ", file, " in the container's cgroup: ",
                      "controller \"", setting.controller, "\" or this part of it is missing in ",
                      "the kernel or not enabled for the cgroup above")};
  return {code, cat("resources.", setting.key, ": write \"", setting.value, "\" to ", file, ": ",
                    strerror(code), hint(setting, code))};
}

// cpu.max by a new period alone: the quota stays.
Result<std::string> value_of(BorrowedFd dir, const Setting& setting) {
  if (!setting.keep_first_word) return setting.value;
  std::string now = TRY(read_file(dir, setting.file.c_str()));
  return cat(std::string_view(now).substr(0, now.find_first_of(" \n")), " ", setting.value);
}

// 0 or an errno; the other file is tried where the first is absent.
Result<> write_setting(BorrowedFd dir, const Setting& setting) {
  std::string value = TRY(value_of(dir, setting));
  int code = write_file(dir, setting.file.c_str(), value);
  if (code == 0) return {};
  if (code == ENOENT && !setting.other_file.empty()) {
    code = write_file(dir, setting.other_file.c_str(), setting.other_value);
    if (code == 0) return {};
    return std::unexpected(describe(setting, setting.other_file, code));
  }
  if (setting.optional && (code == ENOENT || code == EOPNOTSUPP)) return {};
  return std::unexpected(describe(setting, setting.file, code));
}

Result<> write_devices(BorrowedFd dir, const char* file, const std::vector<DeviceMatch>& matches) {
  if (matches.empty()) return {};
  UniqueFd fd(openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno(cat("open ", file));
  for (const DeviceMatch& match : matches) {
    std::string line = device_text(match);
    if (write(fd.get(), line.data(), line.size()) < 0)
      return fail_errno(cat("resources.devices: write \"", line, "\" to ", file));
  }
  return {};
}

Result<> write_all_devices(BorrowedFd dir, const char* file) {
  int code = write_file(dir, file, "a");
  if (code != 0) return fail_errno(cat("resources.devices: write \"a\" to ", file), code);
  return {};
}

}  // namespace

Result<> apply_settings(const std::vector<Setting>& settings, const Lookup& lookup) {
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    BorrowedFd dir = lookup(setting.controller);
    if (dir < 0 && setting.optional) continue;
    if (dir < 0)
      return fail(cat("resources.", setting.key, ": the cgroup controller \"", setting.controller,
                      "\" is not available on this host"));
    auto written = write_setting(dir, setting);
    if (!written && written.error().code == EINVAL && setting.swap_on_einval) {
      TRY(write_setting(dir, settings[i + 1]));
      written = write_setting(dir, setting);
    }
    TRY(std::move(written));
  }
  return {};
}

Result<> apply_devices_v1(BorrowedFd dir, const DevicePolicy& policy, bool fresh) {
  std::vector<DeviceMatch> wanted = TRY(device_exceptions(policy));
  if (policy.default_allow) {
    // A fresh cgroup has its parent's policy, which is all that "allow a" could give.
    if (!fresh) TRY(write_all_devices(dir, "devices.allow"));
    return write_devices(dir, "devices.deny", wanted);
  }
  if (!fresh) {
    if (auto now = listed_exceptions(TRY(read_file(dir, "devices.list")))) {
      TRY(write_devices(dir, "devices.allow", without(wanted, *now)));
      return write_devices(dir, "devices.deny", without(*now, wanted));
    }
  }
  TRY(write_all_devices(dir, "devices.deny"));
  return write_devices(dir, "devices.allow", wanted);
}

}  // namespace bulkhead::cgroup
