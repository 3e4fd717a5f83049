#include "guard/route.h"

#include "base/strings.h"
#include "guard/endpoints/endpoints.h"

namespace bulkhead::guard {
namespace {

constexpr Route kRoutes[] = {
    // every client's first words
    {"GET", "/_ping", ""},
    {"HEAD", "/_ping", ""},
    {"GET", "/version", ""},
    {"GET", "/info", "info"},
    {"POST", "/auth", "login", Kind::kJson, nullptr, &kAuthShape},
    {"GET", "/events", "events"},
    {"GET", "/system/df", "system"},

    {"GET", "/containers/json", "ps | stats compose"},
    {"POST", "/containers/create", "run create", Kind::kJson, decide_create, &kCreateShape},
    {"POST", "/containers/prune", "container system"},
    {"GET", "/containers/{id}/json", "inspect port | attach exec logs cp start run compose rename restart stop kill rm wait update"},
    {"GET", "/containers/{id}/top", "top"},
    {"GET", "/containers/{id}/logs", "logs"},
    {"GET", "/containers/{id}/changes", "diff"},
    {"GET", "/containers/{id}/export", "export"},
    {"GET", "/containers/{id}/stats", "stats"},
    {"POST", "/containers/{id}/resize", "| run start attach"},
    {"POST", "/containers/{id}/start", "start | run", Kind::kPlain, decide_start},
    {"POST", "/containers/{id}/stop", "stop"},
    {"POST", "/containers/{id}/restart", "restart", Kind::kPlain, decide_restart},
    {"POST", "/containers/{id}/kill", "kill | run attach start"},
    {"POST", "/containers/{id}/update", "update", Kind::kJson, decide_update, &kUpdateShape},
    {"POST", "/containers/{id}/rename", "rename"},
    {"POST", "/containers/{id}/pause", "pause"},
    {"POST", "/containers/{id}/unpause", "unpause", Kind::kPlain, decide_protected},
    {"POST", "/containers/{id}/attach", "attach | run start", Kind::kHijack, decide_protected},
    {"GET", "/containers/{id}/attach/ws", "attach", Kind::kWebSocket, decide_protected},
    {"POST", "/containers/{id}/wait", "wait | run attach start"},
    {"DELETE", "/containers/{id}", "rm"},
    {"HEAD", "/containers/{id}/archive", "cp"},
    {"GET", "/containers/{id}/archive", "cp"},
    {"PUT", "/containers/{id}/archive", "cp", Kind::kStream, decide_protected},
    {"POST", "/containers/{id}/exec", "exec", Kind::kJson, decide_protected, &kExecShape},
    {"POST", "/exec/{id}/start", "exec", Kind::kHijack, decide_exec_start, &kExecStartShape},
    {"POST", "/exec/{id}/resize", "exec"},
    {"GET", "/exec/{id}/json", "exec"},
    {"POST", "/commit", "commit", Kind::kJson, nullptr, &kConfigShape},

    {"GET", "/images/json", "images | system"},
    {"GET", "/images/search", "search"},
    {"GET", "/images/get", "save"},
    {"POST", "/images/load", "load", Kind::kStream},
    {"POST", "/images/create", "pull import", Kind::kStream, decide_image_create},
    {"POST", "/images/prune", "image system"},
    {"GET", "/images/{name}/json", "image inspect | run create pull"},
    {"GET", "/images/{name}/history", "history"},
    {"GET", "/images/{name}/get", "save"},
    {"POST", "/images/{name}/push", "push"},
    {"POST", "/images/{name}/tag", "tag"},
    {"DELETE", "/images/{name}", "rmi"},
    {"GET", "/distribution/{name}/json", "manifest | pull service"},

    {"POST", "/build", "build", Kind::kStream, decide_build},
    {"POST", "/build/cancel", "build"},
    {"POST", "/build/prune", "builder system"},
    {"POST", "/session", "build", Kind::kUpgrade},
    {"POST", "/grpc", "build", Kind::kUpgrade},

    {"GET", "/volumes", "volume"},
    {"POST", "/volumes/create", "volume", Kind::kJson, decide_volume_create, &kVolumeShape},
    {"POST", "/volumes/prune", "volume system"},
    {"GET", "/volumes/{id}", "volume"},
    {"DELETE", "/volumes/{id}", "volume"},

    {"GET", "/networks", "network"},
    {"GET", "/networks/", "network"},
    {"POST", "/networks/create", "network", Kind::kJson, nullptr, &kNetworkShape},
    {"POST", "/networks/prune", "network system"},
    {"GET", "/networks/{id}", "network"},
    {"DELETE", "/networks/{id}", "network"},
    {"POST", "/networks/{id}/connect", "network", Kind::kJson, decide_network_connect, &kConnectShape},
    {"POST", "/networks/{id}/disconnect", "network", Kind::kJson, nullptr, &kDisconnectShape},

    {"GET", "/plugins", "plugin"},
    {"GET", "/plugins/privileges", "plugin"},
    {"POST", "/plugins/pull", "plugin", Kind::kStream, decide_plugin},
    {"POST", "/plugins/create", "plugin", Kind::kStream, decide_plugin},
    {"GET", "/plugins/{name}/json", "plugin"},
    {"DELETE", "/plugins/{name}", "plugin", Kind::kPlain, decide_plugin},
    {"POST", "/plugins/{name}/enable", "plugin", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/disable", "plugin", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/upgrade", "plugin", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/push", "plugin", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/set", "plugin", Kind::kStream, decide_plugin},

    {"GET", "/swarm", "swarm", Kind::kPlain, decide_cluster},
    {"GET", "/swarm/unlockkey", "swarm", Kind::kPlain, decide_cluster},
    {"POST", "/swarm/init", "swarm", Kind::kStream, decide_cluster},
    {"POST", "/swarm/join", "swarm", Kind::kStream, decide_cluster},
    {"POST", "/swarm/leave", "swarm", Kind::kStream, decide_cluster},
    {"POST", "/swarm/update", "swarm", Kind::kStream, decide_cluster},
    {"POST", "/swarm/unlock", "swarm", Kind::kStream, decide_cluster},
    {"GET", "/nodes", "node"},
    {"GET", "/nodes/{id}", "node"},
    {"DELETE", "/nodes/{id}", "node", Kind::kPlain, decide_cluster},
    {"POST", "/nodes/{id}/update", "node", Kind::kStream, decide_cluster},
    {"GET", "/services", "service"},
    {"POST", "/services/create", "service", Kind::kJson, decide_service, &kServiceShape},
    {"GET", "/services/{id}", "service"},
    {"DELETE", "/services/{id}", "service"},
    {"POST", "/services/{id}/update", "service", Kind::kJson, decide_service, &kServiceShape},
    {"GET", "/services/{id}/logs", "service"},
    {"GET", "/tasks", "service node"},
    {"GET", "/tasks/{id}", "service node"},
    {"GET", "/tasks/{id}/logs", "service"},
    {"GET", "/secrets", "secret"},
    {"POST", "/secrets/create", "secret", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/secrets/{id}", "secret"},
    {"DELETE", "/secrets/{id}", "secret"},
    {"POST", "/secrets/{id}/update", "secret", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/configs", "config"},
    {"POST", "/configs/create", "config", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/configs/{id}", "config"},
    {"DELETE", "/configs/{id}", "config"},
    {"POST", "/configs/{id}/update", "config", Kind::kJson, nullptr, &kSecretShape},
};

// Whether `path` is of `pattern`; what braces stand for is appended to `params`.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& params) {
  auto open = pattern.find('{');
  if (open == pattern.npos) return pattern == path;
  auto close = pattern.find('}');
  auto suffix = pattern.substr(close + 1);
  if (!path.starts_with(pattern.substr(0, open)) || !path.ends_with(suffix)) return false;
  if (path.size() <= open + suffix.size()) return false;
  auto value = path.substr(open, path.size() - open - suffix.size());
  bool many = pattern.substr(open, close + 1 - open) == "{name}";
  if (!many && value.find('/') != value.npos) return false;
  params.assign(1, std::string(value));
  return true;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Verdict<const Route*> find_route(Request& request) {
  for (const auto& route : kRoutes)
    if (route.method == request.method && matches(route.pattern, request.target.path, request.params))
      return &route;
  return refuse("unknown-route", cat("bulkhead-guard does not know ", request.method, " ", request.target.path,
                                     " and passes on only what it knows"));
}

}  // namespace bulkhead::guard
