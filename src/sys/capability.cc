#include "sys/capability.h"

#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::sys {

unsigned last_capability() {
  static const unsigned last = [] {
    unsigned number = CAP_LAST_CAP;
    // EINVAL alone means that the kernel has none of this number: one too few here would be one that
    // nobody drops.
    auto has = [](unsigned n) { return prctl(PR_CAPBSET_READ, n) >= 0 || errno != EINVAL; };
    while (number < 63 && has(number + 1)) ++number;
    while (number > 0 && !has(number)) --number;
    return number;
  }();
  return last;
}

std::optional<unsigned> capability_number(std::string_view name) {
  cap_value_t value = 0;
  if (cap_from_name(std::string(name).c_str(), &value) < 0) return std::nullopt;
  if (value < 0 || static_cast<unsigned>(value) > last_capability()) return std::nullopt;
  // libcap also takes "chown", "12" and "CAP_CHOWN " with what follows.
  if (capability_name(static_cast<unsigned>(value)) != name) return std::nullopt;
  return static_cast<unsigned>(value);
}

std::string capability_name(unsigned number) {
  char* name = cap_to_name(static_cast<cap_value_t>(number));
  std::string upper = name ? name : std::to_string(number);
  cap_free(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return upper;
}

int drop_bounding(CapabilityMask keep) {
  for (unsigned number = 0; number <= last_capability(); ++number) {
    if (keep >> number & 1) continue;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EINVAL) return -errno;
  }
  return 0;
}

int set_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int half = 0; half < 2; ++half) {
    auto part = [half](CapabilityMask mask) { return static_cast<__u32>(mask >> (32 * half)); };
    data[half] = {part(sets.effective), part(sets.permitted), part(sets.inheritable)};
  }
  return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int set_ambient(CapabilityMask ambient) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
  for (unsigned number = 0; number <= last_capability(); ++number) {
    if (!(ambient >> number & 1)) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0) return -errno;
  }
  return 0;
}

Result<CapabilitySets> own_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return fail_errno("capget");
  auto both = [&](auto member) {
    return static_cast<CapabilityMask>(data[0].*member) |
           static_cast<CapabilityMask>(data[1].*member) << 32;
  };
  CapabilitySets sets{.effective = both(&__user_cap_data_struct::effective),
                      .permitted = both(&__user_cap_data_struct::permitted),
                      .inheritable = both(&__user_cap_data_struct::inheritable)};
  for (unsigned number = 0; number <= last_capability(); ++number)
    if (prctl(PR_CAPBSET_READ, number) == 1) sets.bounding |= CapabilityMask{1} << number;
  return sets;
}

}  // namespace bulkhead::sys
