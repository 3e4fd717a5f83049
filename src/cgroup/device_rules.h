// The device policy of a container, in order, as the two kernels take it: cgroup v1 keeps a default
// and a list of exceptions to it, cgroup v2 runs an eBPF program (device_filter.h). A new cgroup
// allows what its parent allows: the first rule of the specification's list works on that.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::cgroup {

inline constexpr std::uint8_t kRead = 1, kWrite = 2, kMknod = 4, kAllAccess = 7;
inline constexpr std::int64_t kAny = -1;

struct DeviceMatch {
  bool allow = false;
  char type = 'c';  // c or b
  std::int64_t major = kAny, minor = kAny;
  std::uint8_t access = kAllAccess;
  bool operator==(const DeviceMatch&) const = default;
};

struct DevicePolicy {
  bool default_allow = true;
  std::vector<DeviceMatch> matches;  // the last one that matches decides, per access
  bool allows_all() const { return default_allow && matches.empty(); }
};

// Catch-all rules reset all before them; one for a part of 'a' becomes a rule for c and one for b.
// Errors: an unknown type, an empty or unknown access, numbers out of range.
Result<DevicePolicy> device_policy(const std::vector<spec::DeviceRule>& rules);

// v1: the exceptions that make the policy, all with the same verdict (not the default's).
// Errors: a rule takes a part out of a wider one ("allow c 10:*, deny c 10:229"): v1 cannot say
// that and leaving the part out would open or close devices silently.
Result<std::vector<DeviceMatch>> device_exceptions(const DevicePolicy& policy);

// The exceptions of a v1 cgroup from the text of its devices.list, all as allowing; a line "a *:*
// rwm" (which stands for the default "allow", and hides exceptions to it) gives no value.
std::optional<std::vector<DeviceMatch>> listed_exceptions(std::string_view list);

// What `from` has and `what` has not, device by device and access by access.
std::vector<DeviceMatch> without(const std::vector<DeviceMatch>& from,
                                 const std::vector<DeviceMatch>& what);

// "c 1:3 rwm", as devices.allow and devices.deny take it.
std::string device_text(const DeviceMatch& match);

}  // namespace bulkhead::cgroup
