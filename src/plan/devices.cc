// R11: the standard nodes, the ones that policy allows, and nothing of the host besides.
#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

struct Standard {
  const char* path;
  std::uint32_t major, minor;
};
constexpr Standard kNodes[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},
                               {"/dev/full", 1, 7},   {"/dev/random", 1, 8},
                               {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};

struct Link {
  const char *path, *target;
};
constexpr Link kLinks[] = {{"/dev/fd", "/proc/self/fd"},
                           {"/dev/stdin", "/proc/self/fd/0"},
                           {"/dev/stdout", "/proc/self/fd/1"},
                           {"/dev/stderr", "/proc/self/fd/2"},
                           {"/dev/ptmx", "pts/ptmx"}};

// Rules that every container has: the standard nodes, ptys, mknod of anything (making a node gives
// no access to it).
spec::DeviceRule rule(char type, std::optional<std::int64_t> major,
                      std::optional<std::int64_t> minor, const char* access) {
  return {.allow = true, .type = type, .major = major, .minor = minor, .access = access};
}

bool is_standard(const spec::Device& device) {
  return std::ranges::any_of(kNodes, [&](const Standard& node) {
    return device.type == 'c' && device.major == node.major && device.minor == node.minor;
  });
}

// The host's name of a listed device. The path in the configuration is the container's, chosen by
// whoever started it ("--device /dev/sda:/dev/fuse"), and says nothing about the device.
std::string_view host_path(const Facts& facts, std::size_t index) {
  return index < facts.device_names.size() ? std::string_view(facts.device_names[index]) : "";
}

// What --privileged gives beyond the standard nodes: both only reach the opener's own namespaces.
bool is_for_privileged(std::string_view name) {
  return name == "/dev/fuse" || name == "/dev/net/tun";
}

// Engines list every node of the host for --privileged, and allow all in the cgroup then.
bool is_privileged(const spec::Spec& spec) {
  if (!spec.linux_.resources) return false;
  return std::ranges::any_of(spec.linux_.resources->devices, [](const auto& r) {
    return r.allow && r.type == 'a' && r.major.value_or(-1) < 0 && r.minor.value_or(-1) < 0;
  });
}

Result<> plan_listed(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts,
                     bool privileged, Plan& plan) {
  for (std::size_t i = 0; i < spec.linux_.devices.size(); ++i) {
    const spec::Device& device = spec.linux_.devices[i];
    std::string_view on_host = host_path(facts, i);
    std::string path = clean_path(device.path);
    if (is_standard(device) && is_within(path, "/dev") &&
        std::ranges::any_of(kNodes, [&](const auto& node) { return path == node.path; }))
      continue;
    if (privileged && !is_standard(device) && !is_for_privileged(on_host)) continue;
    bool allowed = device.type == 'p' || is_standard(device) ||
                   policy::is_device_allowed(policy, on_host);
    if (!allowed && privileged) continue;
    if (!allowed)
      return refuse(cat("device ", on_host.empty() ? path : on_host, " is not allowed; if you wish to "
                        "allow it, add it to bulkhead.devices.allow in the settings file"));
    plan.steps.push_back(MakeNode{path, device.type, static_cast<std::uint32_t>(device.major),
                                  static_cast<std::uint32_t>(device.minor),
                                  device.file_mode.value_or(0666) & 07777,
                                  device.uid.value_or(0), device.gid.value_or(0)});
    if (device.type != 'p')
      plan.device_rules.push_back(rule(device.type, device.major, device.minor, "rwm"));
  }
  return {};
}

// The host-side rules: deny all, then the fixed list, then what the plan makes. The engine's own
// list is not copied: it can only ask for less or for what policy refuses.
void plan_rules(Plan& plan) {
  std::vector<spec::DeviceRule> rules{{.allow = false, .type = 'a', .access = "rwm"},
                                      rule('c', {}, {}, "m"),
                                      rule('b', {}, {}, "m")};
  for (const auto& node : kNodes) rules.push_back(rule('c', node.major, node.minor, "rwm"));
  rules.push_back(rule('c', 5, 1, "rwm"));    // console
  rules.push_back(rule('c', 5, 2, "rwm"));    // ptmx
  rules.push_back(rule('c', 136, {}, "rwm"));  // pts
  rules.insert(rules.end(), plan.device_rules.begin(), plan.device_rules.end());
  plan.device_rules = std::move(rules);
}

}  // namespace

Result<> plan_devices(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts,
                      Plan& plan) {
  bool privileged = is_privileged(spec);
  for (const auto& node : kNodes)
    plan.steps.push_back(MakeNode{node.path, 'c', node.major, node.minor});
  TRY(plan_listed(spec, policy, facts, privileged, plan));
  for (const auto& step : plan.steps)
    if (const auto* bind = std::get_if<MountBind>(&step))
      if (const Source& source = *facts.sources[bind->source];
          source.kind == Source::Kind::kCharDevice || source.kind == Source::Kind::kBlockDevice)
        plan.device_rules.push_back(rule(source.kind == Source::Kind::kCharDevice ? 'c' : 'b',
                                         source.major, source.minor, "rwm"));
  for (const auto& link : kLinks) plan.steps.push_back(MakeSymlink{link.path, link.target});
  if (spec.process && spec.process->terminal) plan.steps.push_back(MakeConsole{});
  plan_rules(plan);
  return {};
}

}  // namespace bulkhead::plan
