// Read from dockerd's routers and the CLI's sources (API 1.56). run and create are one call for the
// engine, as are all that resolve a name by inspecting it.
#include "policy/endpoints.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.h"

namespace bulkhead::policy {
namespace {

using Names = std::string_view;  // separated by '|'

// What every command on one container asks first.
constexpr Names kOnContainers =
    "attach|commit|cp|diff|exec|export|kill|logs|pause|port|rename|restart|rm|run|start|stats|stop|top|"
    "unpause|update|wait|compose|build";

struct Row {
  std::string_view method, pattern;
  Names owners, helper_of = {};  // helper_of "*": for_all
};

constexpr Row kRows[] = {
    {"GET", "/containers/json", "ps", "stats|system prune|container prune|compose|inspect|rm|stop"},
    {"POST", "/containers/create", "run|create", "compose|buildx create|buildx inspect"},
    {"POST", "/containers/prune", "container prune|system prune"},
    {"GET", "/containers/{id}/json", "inspect|container inspect|port", kOnContainers},
    {"GET", "/containers/{id}/top", "top", "compose"},
    {"GET", "/containers/{id}/logs", "logs", "compose"},
    {"GET", "/containers/{id}/changes", "diff"},
    {"GET", "/containers/{id}/export", "export", "compose"},
    {"GET", "/containers/{id}/stats", "stats", "compose"},
    {"POST", "/containers/{id}/resize", "run|start|attach", "compose"},
    {"POST", "/containers/{id}/start", "start", "run|compose|buildx create|buildx inspect"},
    {"POST", "/containers/{id}/stop", "stop", "compose|buildx stop"},
    {"POST", "/containers/{id}/restart", "restart", "compose"},
    {"POST", "/containers/{id}/kill", "kill", "run|attach|start|compose"},
    {"POST", "/containers/{id}/update", "update"},
    {"POST", "/containers/{id}/rename", "rename", "compose"},
    {"POST", "/containers/{id}/pause", "pause", "compose"},
    {"POST", "/containers/{id}/unpause", "unpause", "compose"},
    {"POST", "/containers/{id}/attach", "attach", "run|start|compose"},
    {"GET", "/containers/{id}/attach/ws", "attach", "run|start"},
    {"POST", "/containers/{id}/wait", "wait", "run|attach|start|compose"},
    {"DELETE", "/containers/{id}", "rm", "compose|buildx rm"},
    {"GET", "/containers/{id}/archive", "cp", "compose"},
    {"PUT", "/containers/{id}/archive", "cp", "compose|buildx create|buildx inspect"},
    {"POST", "/containers/{id}/exec", "exec", "compose|buildx create|buildx inspect|buildx du"},
    {"POST", "/exec/{id}/start", "exec", "compose|buildx create|buildx inspect|buildx du"},
    {"POST", "/exec/{id}/resize", "exec", "compose"},
    {"GET", "/exec/{id}/json", "exec", "compose|buildx create|buildx inspect|buildx du"},
    {"GET", "/containers/{id}/checkpoints", "checkpoint ls"},
    {"POST", "/containers/{id}/checkpoints", "checkpoint create"},
    {"DELETE", "/containers/{id}/checkpoints/{checkpoint}", "checkpoint rm"},
    {"POST", "/commit", "commit", "compose"},

    {"GET", "/images/json", "images", "image prune|system prune|rmi|compose"},
    {"GET", "/images/{name}/json", "image inspect|inspect", "run|create|build|compose"},
    {"GET", "/images/{name}/history", "history"},
    {"GET", "/images/{name}/attestations", "image inspect|inspect"},
    {"POST", "/images/create?fromImage", "pull", "run|create|compose|buildx create"},
    {"POST", "/images/create?fromSrc", "import"},
    {"POST", "/images/{name}/push", "push", "compose"},
    {"POST", "/images/{name}/tag", "tag"},
    {"DELETE", "/images/{name}", "rmi", "compose"},
    {"POST", "/images/prune", "image prune|system prune"},
    {"GET", "/images/search", "search"},
    {"GET", "/images/get", "save"},
    {"GET", "/images/{name}/get", "save"},
    {"POST", "/images/load", "load"},
    {"GET", "/distribution/{name}/json", "manifest inspect", "pull|service create|service update|compose"},

    {"POST", "/build", "build", "compose"},
    {"POST", "/build/cancel", "build", "compose"},
    {"POST", "/build/prune", "builder prune|system prune"},
    {"POST", "/session", "build|buildx bake", "compose|buildx du|buildx history|builder prune"},
    {"POST", "/grpc", "build|buildx bake", "compose|buildx du|buildx history|builder prune"},

    {"GET", "/volumes", "volume ls", "volume prune|system prune|compose"},
    {"GET", "/volumes/{id}", "volume inspect|inspect", "volume update|compose|run|create"},
    {"POST", "/volumes/create", "volume create", "compose"},
    {"PUT", "/volumes/{id}", "volume update"},
    {"DELETE", "/volumes/{id}", "volume rm", "compose"},
    {"POST", "/volumes/prune", "volume prune|system prune"},

    {"GET", "/networks", "network ls", "compose|network prune|system prune"},
    {"GET", "/networks/", "network ls", "compose|network prune|system prune"},
    {"GET", "/networks/{id}", "network inspect|inspect", "network rm|compose"},
    {"POST", "/networks/create", "network create", "compose"},
    {"DELETE", "/networks/{id}", "network rm", "compose"},
    {"POST", "/networks/{id}/connect", "network connect", "run|create|compose"},
    {"POST", "/networks/{id}/disconnect", "network disconnect", "compose"},
    {"POST", "/networks/prune", "network prune|system prune"},

    {"GET", "/info", "info", "*"},
    {"GET", "/events", "events", "stats|run|start|compose"},
    {"GET", "/system/df", "system df", "system prune"},
    {"POST", "/auth", "login"},

    {"GET", "/plugins", "plugin ls"},
    {"GET", "/plugins/{name}/json", "plugin inspect|inspect"},
    {"GET", "/plugins/privileges", "plugin install|plugin upgrade"},
    {"POST", "/plugins/pull", "plugin install"},
    {"POST", "/plugins/create", "plugin create"},
    {"POST", "/plugins/{name}/enable", "plugin enable", "plugin install"},
    {"POST", "/plugins/{name}/disable", "plugin disable"},
    {"POST", "/plugins/{name}/upgrade", "plugin upgrade"},
    {"POST", "/plugins/{name}/set", "plugin set", "plugin install"},
    {"POST", "/plugins/{name}/push", "plugin push"},
    {"DELETE", "/plugins/{name}", "plugin rm"},

    {"GET", "/swarm", "swarm join-token|swarm update|swarm unlock-key|swarm ca"},
    {"POST", "/swarm/init", "swarm init"},
    {"POST", "/swarm/join", "swarm join"},
    {"POST", "/swarm/leave", "swarm leave"},
    {"POST", "/swarm/update", "swarm update|swarm ca"},
    {"GET", "/swarm/unlockkey", "swarm unlock-key"},
    {"POST", "/swarm/unlock", "swarm unlock"},
    {"GET", "/nodes", "node ls", "node ps|service ps|stack ps"},
    {"GET", "/nodes/{id}", "node inspect|inspect", "node update|node promote|node demote|node ps"},
    {"POST", "/nodes/{id}/update", "node update|node promote|node demote"},
    {"DELETE", "/nodes/{id}", "node rm"},
    {"GET", "/services", "service ls", "stack deploy|stack services|stack rm|stack ls|service ps"},
    {"POST", "/services/create", "service create", "stack deploy"},
    {"GET", "/services/{id}", "service inspect|inspect", "service update|service scale|service rollback|service ps"},
    {"POST", "/services/{id}/update", "service update|service scale|service rollback", "stack deploy"},
    {"DELETE", "/services/{id}", "service rm", "stack rm"},
    {"GET", "/services/{id}/logs", "service logs"},
    {"GET", "/tasks", "service ps|node ps", "stack ps|service ls|stack services|service create|service update"},
    {"GET", "/tasks/{id}", "inspect", "service logs|service ps"},
    {"GET", "/tasks/{id}/logs", "service logs"},
    {"GET", "/secrets", "secret ls", "stack deploy|stack rm|service create|service update"},
    {"POST", "/secrets/create", "secret create", "stack deploy"},
    {"GET", "/secrets/{id}", "secret inspect|inspect"},
    {"POST", "/secrets/{id}/update", "secret create", "stack deploy"},
    {"DELETE", "/secrets/{id}", "secret rm", "stack rm"},
    {"GET", "/configs", "config ls", "stack deploy|stack rm|service create|service update"},
    {"POST", "/configs/create", "config create", "stack deploy"},
    {"GET", "/configs/{id}", "config inspect|inspect"},
    {"POST", "/configs/{id}/update", "config create", "stack deploy"},
    {"DELETE", "/configs/{id}", "config rm", "stack rm"},
};

constexpr std::string_view kAlways[] = {"/_ping", "/version"};

std::vector<std::string_view> names_in(Names names) {
  return names.empty() ? std::vector<std::string_view>() : split(names, '|');
}

using Table = std::map<std::pair<std::string_view, std::string_view>, EndpointCommands>;

Table make_table() {
  Table table;
  for (const auto& row : kRows) {
    EndpointCommands commands{.owners = names_in(row.owners), .for_all = row.helper_of == "*"};
    if (!commands.for_all) commands.helper_of = names_in(row.helper_of);
    table.emplace(std::pair(row.method, row.pattern), std::move(commands));
  }
  for (auto pattern : kAlways)
    table.emplace(std::pair("GET", pattern), EndpointCommands{.owners = {"version"}, .always = true});
  return table;
}

const Table& table() {
  static const Table kTable = make_table();
  return kTable;
}

}  // namespace

const EndpointCommands* commands_of(std::string_view method, std::string_view pattern) {
  auto row = table().find({method == "HEAD" ? "GET" : method, pattern});
  return row == table().end() ? nullptr : &row->second;
}

std::vector<std::pair<std::string_view, std::string_view>> known_endpoints() {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  for (const auto& [endpoint, commands] : table()) out.push_back(endpoint);
  return out;
}

bool is_endpoint_allowed(const CommandList& list, std::string_view method, std::string_view pattern,
                         std::string_view shown) {
  const auto* commands = commands_of(method, pattern);
  if (!commands) return false;
  bool is_denied = list.type == CommandListType::kDeny && !shown.empty() &&
                   !is_allowed(list, std::span(&shown, 1), {});
  if (is_denied) return false;
  if (commands->always) return true;
  if (commands->for_all && list.type == CommandListType::kAllow) return true;
  return is_allowed(list, commands->owners, commands->helper_of);
}

std::string endpoint_blocked(const CommandList& list, std::string_view method, std::string_view pattern,
                             std::string_view request, std::string_view settings_file) {
  const auto* commands = commands_of(method, pattern);
  return command_blocked(list, commands ? commands->owners : std::vector<std::string_view>(), request,
                         settings_file);
}

}  // namespace bulkhead::policy
