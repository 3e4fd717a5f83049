#include "cgroup/device_rules.h"

#include "base/strings.h"

namespace bulkhead::cgroup {
namespace {

Result<std::uint8_t> parse_access(std::string_view text) {
  std::uint8_t access = 0;
  for (char c : text) {
    if (c == 'r') access |= kRead;
    else if (c == 'w') access |= kWrite;
    else if (c == 'm') access |= kMknod;
    else return fail(cat("resources.devices: access \"", text, "\": only r, w and m are known"));
  }
  if (access == 0) return fail("resources.devices: access cannot be empty");
  return access;
}

Result<std::int64_t> parse_number(const std::optional<std::int64_t>& number) {
  std::int64_t value = number.value_or(kAny);
  if (value < kAny || value > UINT32_MAX)
    return fail(cat("resources.devices: device number ", value, " is out of range"));
  return value;
}

bool same_devices(const DeviceMatch& a, const DeviceMatch& b) {
  return a.type == b.type && a.major == b.major && a.minor == b.minor;
}

bool covers(const DeviceMatch& wide, const DeviceMatch& narrow) {
  return wide.type == narrow.type && (wide.major == kAny || wide.major == narrow.major) &&
         (wide.minor == kAny || wide.minor == narrow.minor);
}

bool overlaps(const DeviceMatch& a, const DeviceMatch& b) {
  return a.type == b.type && (a.major == kAny || b.major == kAny || a.major == b.major) &&
         (a.minor == kAny || b.minor == kAny || a.minor == b.minor) && (a.access & b.access) != 0;
}

void add_exception(std::vector<DeviceMatch>& exceptions, const DeviceMatch& match) {
  for (DeviceMatch& known : exceptions)
    if (same_devices(known, match)) {
      known.access |= match.access;
      return;
    }
  exceptions.push_back(match);
}

Result<> take_back(std::vector<DeviceMatch>& exceptions, const DeviceMatch& match) {
  for (DeviceMatch& known : exceptions) {
    if (!overlaps(known, match)) continue;
    if (!covers(match, known))
      return fail(cat("resources.devices: \"", device_text(match), "\" takes a part out of \"",
                      device_text(known),
                      "\", which cgroup v1 cannot express; list the wanted devices one by one"));
    known.access &= static_cast<std::uint8_t>(~match.access);
  }
  std::erase_if(exceptions, [](const DeviceMatch& known) { return known.access == 0; });
  return {};
}

}  // namespace

Result<DevicePolicy> device_policy(const std::vector<spec::DeviceRule>& rules) {
  DevicePolicy policy;
  for (const spec::DeviceRule& rule : rules) {
    DeviceMatch match{.allow = rule.allow, .type = rule.type};
    match.major = TRY(parse_number(rule.major));
    match.minor = TRY(parse_number(rule.minor));
    match.access = TRY(parse_access(rule.access));
    if (rule.type == 'u') match.type = 'c';
    if (rule.type != 'a') {
      if (match.type != 'c' && match.type != 'b')
        return fail(cat("resources.devices: type '", rule.type, "' has no device cgroup rule"));
      policy.matches.push_back(match);
    } else if (match.major == kAny && match.minor == kAny && match.access == kAllAccess) {
      policy = {.default_allow = rule.allow};
    } else {
      match.type = 'c';
      policy.matches.push_back(match);
      match.type = 'b';
      policy.matches.push_back(match);
    }
  }
  return policy;
}

Result<std::vector<DeviceMatch>> device_exceptions(const DevicePolicy& policy) {
  std::vector<DeviceMatch> exceptions;
  for (const DeviceMatch& match : policy.matches) {
    if (match.allow != policy.default_allow) add_exception(exceptions, match);
    else TRY(take_back(exceptions, match));
  }
  return exceptions;
}

std::optional<std::vector<DeviceMatch>> listed_exceptions(std::string_view list) {
  std::vector<DeviceMatch> exceptions;
  for (std::string_view line : split(trim(list), '\n')) {
    auto words = split(line, ' ');
    if (words.size() != 3 || words[0].size() != 1) continue;
    if (words[0] == "a") return std::nullopt;
    auto colon = words[1].find(':');
    if (colon == std::string_view::npos) continue;
    DeviceMatch match{.allow = true, .type = words[0][0]};
    match.major = parse_decimal<std::int64_t>(words[1].substr(0, colon)).value_or(kAny);
    match.minor = parse_decimal<std::int64_t>(words[1].substr(colon + 1)).value_or(kAny);
    match.access = parse_access(words[2]).value_or(kAllAccess);
    exceptions.push_back(match);
  }
  return exceptions;
}

std::vector<DeviceMatch> without(const std::vector<DeviceMatch>& from,
                                 const std::vector<DeviceMatch>& what) {
  std::vector<DeviceMatch> left;
  for (DeviceMatch match : from) {
    for (const DeviceMatch& other : what)
      if (same_devices(match, other)) match.access &= static_cast<std::uint8_t>(~other.access);
    if (match.access != 0) left.push_back(match);
  }
  return left;
}

std::string device_text(const DeviceMatch& match) {
  auto number = [](std::int64_t value) { return value == kAny ? std::string("*") : cat(value); };
  std::string text = cat(match.type, " ", number(match.major), ":", number(match.minor), " ");
  if (match.access & kRead) text += 'r';
  if (match.access & kWrite) text += 'w';
  if (match.access & kMknod) text += 'm';
  return text;
}

}  // namespace bulkhead::cgroup
