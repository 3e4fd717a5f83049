// POST /containers/create and /containers/{id}/update: every container runs under our runtime (G1),
// and what reaches for the host is refused by its name.
#include <algorithm>

#include "base/strings.h"
#include "guard/endpoints/endpoints.h"
#include "guard/log_drivers.h"
#include "guard/mounts.h"
#include "guard/namespaces.h"
#include "guard/socket_mounts.h"

namespace bulkhead::guard {
namespace {

void force_runtime(Request& request, json::Object& host_config, const Environment& environment) {
  auto asked = text_of(host_config, "Runtime");
  if (!asked.empty() && asked != environment.runtime)
    request.notes.push_back(cat("HostConfig.Runtime: ", asked, " -> ", environment.runtime));
  host_config["Runtime"] = environment.runtime;
}

// Annotations that are orders to a runtime or its manager, not words about a container.
void strip_annotations(Request& request, json::Object& host_config) {
  constexpr std::string_view kOrders[] = {"run.oci.",           "org.systemd.property.", "io.katacontainers.",
                                          "dev.gvisor.",        "io.kubernetes.",        "io.podman.",
                                          "io.containers.",     "org.criu.",             "bulkhead.",
                                          "cdi.k8s.io/",        "com.docker.runtime."};
  auto* member = host_config.if_contains("Annotations");
  auto* annotations = member ? member->if_object() : nullptr;
  if (!annotations) return;
  json::Object kept;
  for (const auto& annotation : *annotations) {
    std::string_view key(annotation.key().data(), annotation.key().size());
    if (std::ranges::any_of(kOrders, [&](auto order) { return key.starts_with(order); }))
      request.notes.push_back(cat("HostConfig.Annotations: ", key, " left out"));
    else
      kept[annotation.key()] = annotation.value();
  }
  *annotations = std::move(kept);
}

// A path of cgroups that climbs is one outside the engine's.
Verdict<> judge_cgroup_parent(const json::Object& resources) {
  for (auto component : split(text_of(resources, "CgroupParent"), '/'))
    if (component == "..")
      return refuse("cgroup-parent", "HostConfig.CgroupParent must not contain \"..\"");
  return {};
}

}  // namespace

Verdict<> decide_create(Request& request, Facts& facts) {
  auto& body = request.object();
  if (!body.contains("HostConfig")) body["HostConfig"] = json::Object();
  auto& host_config = body["HostConfig"].get_object();
  request.notes.clear();
  force_runtime(request, host_config, facts.environment());
  strip_annotations(request, host_config);
  TRY(judge_namespaces(host_config, child_of(body, "NetworkingConfig"), facts));
  TRY(judge_cgroup_parent(host_config));
  TRY(judge_log_config(child_of(host_config, "LogConfig")));
  TRY(place_sockets(request, host_config, text_of(body, "Image"), facts));
  return judge_mounts(host_config, text_of(body, "Image"), facts);
}

Verdict<> decide_update(Request& request, Facts& facts) {
  TRY(judge_cgroup_parent(request.object()));
  return judge_protected(request, "updated", facts);
}

}  // namespace bulkhead::guard
