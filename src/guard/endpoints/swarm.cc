// Swarm. Tasks are made inside the engine, under its default runtime, which is ours; what a service
// asks for is judged as a container's is. Joining a cluster would hand the engine to its managers.
#include "base/strings.h"
#include "guard/endpoints/endpoints.h"
#include "guard/mounts.h"
#include "guard/namespaces.h"

namespace bulkhead::guard {
namespace {

Verdict<> judge_networks(const json::Object& spec, Facts& facts) {
  const auto* networks = array_of(spec, "Networks");
  if (!networks) return {};
  for (const auto& network : *networks) TRY(judge_network(text_of(network.get_object(), "Target"), facts));
  return {};
}

// A container's Mounts are judged as those of a HostConfig.
Verdict<> judge_container(const json::Object& container, Facts& facts) {
  json::Object host_config;
  if (const auto* mounts = container.if_contains("Mounts")) host_config["Mounts"] = *mounts;
  return judge_mounts(host_config, text_of(container, "Image"), facts);
}

}  // namespace

Verdict<> decide_service(Request& request, Facts& facts) {
  const auto& spec = request.object();
  TRY(judge_networks(spec, facts));
  const auto* task = child_of(spec, "TaskTemplate");
  if (!task) return {};
  auto runtime = text_of(*task, "Runtime");
  if ((!runtime.empty() && runtime != "container") || task->contains("PluginSpec"))
    return refuse("plugin",
                  cat("a service of runtime \"", runtime,
                      "\" is not allowed: it installs a plugin, which runs ", "with the host's rights"));
  TRY(judge_networks(*task, facts));
  const auto* container = child_of(*task, "ContainerSpec");
  return container ? judge_container(*container, facts) : Verdict<>();
}

// GET /swarm among them: it shows the tokens by which engines join.
Verdict<> decide_cluster(Request&, Facts&) {
  return refuse(
      "swarm",
      "joining, leaving and changing a swarm is the administrator's: its managers command every engine "
      "in it; use the engine's private socket");
}

Verdict<> decide_plugin(Request&, Facts&) {
  return refuse(
      "plugin",
      "installing and changing plugins is the administrator's: they run with the host's rights; use the "
      "engine's private socket");
}

}  // namespace bulkhead::guard
