#include "guard/route.h"

#include "base/strings.h"
#include "guard/endpoints/endpoints.h"

namespace bulkhead::guard {
namespace {

constexpr Route kRoutes[] = {
    // every client's first words
    {"GET", "/_ping"},
    {"HEAD", "/_ping"},
    {"GET", "/version"},
    {"GET", "/info"},
    {"POST", "/auth", Kind::kJson, nullptr, &kAuthShape},
    {"GET", "/events"},
    {"GET", "/system/df"},

    {"GET", "/containers/json"},
    {"POST", "/containers/create", Kind::kJson, decide_create, &kCreateShape},
    {"POST", "/containers/prune"},
    {"GET", "/containers/{id}/json"},
    {"GET", "/containers/{id}/top"},
    {"GET", "/containers/{id}/logs"},
    {"GET", "/containers/{id}/changes"},
    {"GET", "/containers/{id}/export"},
    {"GET", "/containers/{id}/stats"},
    {"POST", "/containers/{id}/resize"},
    {"POST", "/containers/{id}/start", Kind::kPlain, decide_start},
    {"POST", "/containers/{id}/stop"},
    {"POST", "/containers/{id}/restart", Kind::kPlain, decide_restart},
    {"POST", "/containers/{id}/kill"},
    {"POST", "/containers/{id}/update", Kind::kJson, decide_update, &kUpdateShape},
    {"POST", "/containers/{id}/rename"},
    {"POST", "/containers/{id}/pause"},
    {"POST", "/containers/{id}/unpause", Kind::kPlain, decide_protected},
    {"POST", "/containers/{id}/attach", Kind::kHijack, decide_protected},
    {"GET", "/containers/{id}/attach/ws", Kind::kWebSocket, decide_protected},
    {"POST", "/containers/{id}/wait"},
    {"DELETE", "/containers/{id}"},
    {"HEAD", "/containers/{id}/archive"},
    {"GET", "/containers/{id}/archive"},
    {"PUT", "/containers/{id}/archive", Kind::kStream, decide_protected},
    {"POST", "/containers/{id}/exec", Kind::kJson, decide_protected, &kExecShape},
    {"POST", "/exec/{id}/start", Kind::kHijack, decide_exec_start, &kExecStartShape},
    {"POST", "/exec/{id}/resize"},
    {"GET", "/exec/{id}/json"},
    {"POST", "/commit", Kind::kJson, nullptr, &kConfigShape},

    {"GET", "/images/json"},
    {"GET", "/images/search"},
    {"GET", "/images/get"},
    {"POST", "/images/load", Kind::kStream},
    {"POST", "/images/create", Kind::kStream, decide_image_create},
    {"POST", "/images/prune"},
    {"GET", "/images/{name}/json"},
    {"GET", "/images/{name}/history"},
    {"GET", "/images/{name}/get"},
    {"POST", "/images/{name}/push"},
    {"POST", "/images/{name}/tag"},
    {"DELETE", "/images/{name}"},
    {"GET", "/distribution/{name}/json"},

    {"POST", "/build", Kind::kStream, decide_build},
    {"POST", "/build/cancel"},
    {"POST", "/build/prune"},
    {"POST", "/session", Kind::kUpgrade},
    {"POST", "/grpc", Kind::kUpgrade},

    {"GET", "/volumes"},
    {"POST", "/volumes/create", Kind::kJson, decide_volume_create, &kVolumeShape},
    {"POST", "/volumes/prune"},
    {"GET", "/volumes/{id}"},
    {"DELETE", "/volumes/{id}"},

    {"GET", "/networks"},
    {"GET", "/networks/"},
    {"POST", "/networks/create", Kind::kJson, nullptr, &kNetworkShape},
    {"POST", "/networks/prune"},
    {"GET", "/networks/{id}"},
    {"DELETE", "/networks/{id}"},
    {"POST", "/networks/{id}/connect", Kind::kJson, decide_network_connect, &kConnectShape},
    {"POST", "/networks/{id}/disconnect", Kind::kJson, nullptr, &kDisconnectShape},

    {"GET", "/plugins"},
    {"GET", "/plugins/privileges"},
    {"POST", "/plugins/pull", Kind::kStream, decide_plugin},
    {"POST", "/plugins/create", Kind::kStream, decide_plugin},
    {"GET", "/plugins/{name}/json"},
    {"DELETE", "/plugins/{name}", Kind::kPlain, decide_plugin},
    {"POST", "/plugins/{name}/enable", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/disable", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/upgrade", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/push", Kind::kStream, decide_plugin},
    {"POST", "/plugins/{name}/set", Kind::kStream, decide_plugin},

    {"GET", "/swarm", Kind::kPlain, decide_cluster},
    {"GET", "/swarm/unlockkey", Kind::kPlain, decide_cluster},
    {"POST", "/swarm/init", Kind::kStream, decide_cluster},
    {"POST", "/swarm/join", Kind::kStream, decide_cluster},
    {"POST", "/swarm/leave", Kind::kStream, decide_cluster},
    {"POST", "/swarm/update", Kind::kStream, decide_cluster},
    {"POST", "/swarm/unlock", Kind::kStream, decide_cluster},
    {"GET", "/nodes"},
    {"GET", "/nodes/{id}"},
    {"DELETE", "/nodes/{id}", Kind::kPlain, decide_cluster},
    {"POST", "/nodes/{id}/update", Kind::kStream, decide_cluster},
    {"GET", "/services"},
    {"POST", "/services/create", Kind::kJson, decide_service, &kServiceShape},
    {"GET", "/services/{id}"},
    {"DELETE", "/services/{id}"},
    {"POST", "/services/{id}/update", Kind::kJson, decide_service, &kServiceShape},
    {"GET", "/services/{id}/logs"},
    {"GET", "/tasks"},
    {"GET", "/tasks/{id}"},
    {"GET", "/tasks/{id}/logs"},
    {"GET", "/secrets"},
    {"POST", "/secrets/create", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/secrets/{id}"},
    {"DELETE", "/secrets/{id}"},
    {"POST", "/secrets/{id}/update", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/configs"},
    {"POST", "/configs/create", Kind::kJson, nullptr, &kSecretShape},
    {"GET", "/configs/{id}"},
    {"DELETE", "/configs/{id}"},
    {"POST", "/configs/{id}/update", Kind::kJson, nullptr, &kSecretShape},
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
  return refuse("unknown-route", cat("bulkhead-guard does not know ", request.method, " ",
                                     request.target.path, " and passes on only what it knows"));
}

}  // namespace bulkhead::guard
