// R3: no host namespaces; a user and a cgroup namespace always. And what the specification knows
// but this runtime refuses, each by its name.
#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

constexpr std::string_view kBecause =
    " with the host (because they use the linux user-namespace for isolation)";
constexpr std::string_view kUnsupported = "invalid or unsupported container spec: ";

const spec::Namespace* find(const spec::Spec& spec, std::string_view type) {
  for (const auto& ns : spec.linux_.namespaces)
    if (ns.type == type) return &ns;
  return nullptr;
}

// A namespace with a path: the host's is refused; one of a process must be of a Bulkhead container;
// a network namespace that an engine made and pinned as a file may belong to the initial user
// namespace (Podman, CNI): the container has no power over it then, and it is not the host's.
Result<> admit_joined(const JoinedNamespace& ns) {
  if (ns.type == "mount")
    return refuse(cat(kUnsupported, "bulkhead containers can't join a mount namespace (", ns.path,
                      "): their mounts are made and locked by the runtime"));
  if (ns.is_host && ns.type == "network")
    return refuse(cat(kUnsupported, "bulkhead containers can't share a network namespace", kBecause));
  if (ns.is_host)
    return refuse(cat(kUnsupported, "bulkhead containers can't share namespaces [", ns.type, "]",
                      kBecause));
  if (ns.owner_is_bulkhead) return {};
  if (ns.type == "network" && ns.owner_is_host && !ns.of_process) return {};
  return refuse(cat(kUnsupported, "can't share the ", ns.type, " namespace ", ns.path,
                    ": it is not of a bulkhead container (run the other container under bulkhead too)"));
}

bool is_ignored(const JoinedNamespace& ns) {
  // --userns=host and --cgroupns=host are ignored (R3); a time namespace of the host likewise.
  return ns.is_host && (ns.type == "user" || ns.type == "cgroup" || ns.type == "time");
}

}  // namespace

Result<> admit_features(const spec::Spec& spec) {
  if (!spec.root) return refuse("root is missing");
  if (spec.linux_.has_intel_rdt)
    return refuse("linux.intelRdt is not supported by bulkhead; remove it");
  if (!spec.process) return {};
  if (spec.process->cwd.empty() || spec.process->cwd[0] != '/')
    return refuse(cat("process.cwd \"", spec.process->cwd, "\" must be an absolute path"));
  if (spec.process->args.empty()) return refuse("process.args must not be empty");
  return {};
}

Result<std::vector<NamespacePlan>> plan_namespaces(const spec::Spec& spec, const Facts& facts) {
  std::vector<std::string> missing;
  for (std::string_view type : {"pid", "ipc", "uts", "mount", "network"})
    if (!find(spec, type)) missing.emplace_back(type);
  if (missing == std::vector<std::string>{"network"})
    return refuse(cat(kUnsupported, "bulkhead containers can't share a network namespace", kBecause));
  if (!missing.empty())
    return refuse(cat(kUnsupported, "bulkhead containers can't share namespaces [",
                      join(missing, " "), "]", kBecause));
  std::vector<NamespacePlan> plans;
  std::uint64_t owner = 0;
  std::string owner_path;
  for (const auto& ns : facts.joined) {
    if (is_ignored(ns)) continue;
    TRY(admit_joined(ns));
    plans.push_back({ns.type, ns.path});
    if (ns.owner_is_host) continue;
    if (owner != 0 && owner != ns.owner)
      return refuse(cat(kUnsupported, "the namespaces ", owner_path, " and ", ns.path,
                        " belong to different containers; join those of one only"));
    owner = ns.owner;
    owner_path = ns.path;
  }
  // Joining any namespace of a container means living in that container's user namespace.
  auto has = [&](std::string_view type) {
    return std::ranges::any_of(plans, [&](const auto& p) { return p.type == type; });
  };
  if (!has("user")) plans.push_back({"user", owner_path});
  for (std::string_view type : {"pid", "network", "ipc", "uts", "mount", "cgroup", "time"})
    if (!has(type)) plans.push_back({std::string(type), ""});
  return plans;
}

}  // namespace bulkhead::plan
