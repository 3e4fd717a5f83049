#include "guard/namespaces.h"

#include "base/strings.h"
#include "guard/shape.h"

namespace bulkhead::guard {
namespace {

constexpr std::string_view kRule = "host-namespace";
constexpr std::string_view kBecause =
    " with the host (because they use the linux user-namespace for isolation)";
constexpr std::string_view kUnsupported =
    "error in the container spec: invalid or unsupported container spec: bulkhead containers can't share ";

std::unexpected<Refusal> refuse_host(std::string_view kind) {
  if (kind == "network") return refuse(kRule, cat(kUnsupported, "a network namespace", kBecause));
  return refuse(kRule, cat(kUnsupported, "namespaces [", kind, "]", kBecause));
}

}  // namespace

Verdict<> judge_namespace(std::string_view kind, std::string_view mode, Facts& facts) {
  constexpr std::string_view kContainer = "container:";
  if (mode == "host") return refuse_host(kind);
  if (mode.starts_with(kContainer))
    return judge_protected(mode.substr(kContainer.size()), "joined", facts);
  return {};
}

Verdict<> judge_network(std::string_view name, Facts& facts) {
  if (name == "host") return refuse_host("network");
  // The host's network has an id as well, and any unique prefix of that is a name of it.
  const auto* network = TRY(facts.network(name));
  if (network && text_of(*network, "Driver") == "host") return refuse_host("network");
  return {};
}

Verdict<> judge_protected(std::string_view name, std::string_view doing, Facts& facts) {
  if (facts.environment().policy->unprotected == policy::Unprotected::kAllow) return {};
  const auto* container = TRY(facts.container(name));
  if (!container) return {};
  const auto* host_config = child_of(*container, "HostConfig");
  auto runtime = host_config ? text_of(*host_config, "Runtime") : std::string_view();
  const auto& ours = facts.environment().runtime;
  if (runtime == ours) return {};
  return refuse("unprotected-container", cat("container \"", name, "\" is not protected and cannot be ",
                                             doing, ": its runtime is \"", runtime, "\", not \"", ours,
                                             "\" (it was made before Bulkhead was enabled, or around it); ",
                                             "remove it and create it again"));
}

Verdict<> judge_protected(Request& request, std::string_view doing, Facts& facts) {
  constexpr std::string_view kPrefix = "/containers/";
  auto name = request.params.at(0);
  TRY(judge_protected(name, doing, facts));
  const auto* container = TRY(facts.container(name));
  auto id = container ? text_of(*container, "Id") : std::string_view();
  if (!id.empty()) request.target.path.replace(kPrefix.size(), name.size(), id);
  request.params[0] = id.empty() ? name : std::string(id);
  return {};
}

Verdict<> judge_namespaces(json::Object& host_config, const json::Object* networking, Facts& facts) {
  host_config.erase("UsernsMode");
  host_config.erase("Cgroup");  // joins another container's cgroup; no engine since 2016 uses it
  TRY(judge_namespace("pid", text_of(host_config, "PidMode"), facts));
  TRY(judge_namespace("ipc", text_of(host_config, "IpcMode"), facts));
  TRY(judge_namespace("uts", text_of(host_config, "UTSMode"), facts));
  auto network = text_of(host_config, "NetworkMode");
  TRY(judge_namespace("network", network, facts));
  bool built_in = network.empty() || network == "default" || network == "bridge" || network == "none" ||
                  network.starts_with("container:");
  if (!built_in) TRY(judge_network(network, facts));
  const auto* endpoints = networking ? child_of(*networking, "EndpointsConfig") : nullptr;
  if (!endpoints) return {};
  for (const auto& endpoint : *endpoints)
    if (std::string_view name(endpoint.key().data(), endpoint.key().size());
        name != network && name != "bridge" && name != "none" && name != "default")
      TRY(judge_network(name, facts));
  return {};
}

}  // namespace bulkhead::guard
