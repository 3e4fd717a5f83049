#include "policy/commands.h"

#include <algorithm>

#include "base/strings.h"

namespace bulkhead::policy {
namespace {

// One command: every name that the CLI (29) has for it, the full one first. To add one, add a row;
// the wildcards and groups follow from the first words.
using Names = std::string_view;  // separated by '|'
constexpr Names kCommands[] = {
    "container attach|attach",
    "container commit|commit",
    "container cp|cp",
    "container create|create",
    "container diff|diff",
    "container exec|exec",
    "container export|export",
    "container inspect",
    "container kill|kill",
    "container logs|logs",
    "container ls|ps|container list|container ps",
    "container pause|pause",
    "container port|port",
    "container prune",
    "container rename|rename",
    "container restart|restart",
    "container rm|rm|container remove",
    "container run|run",
    "container start|start",
    "container stats|stats",
    "container stop|stop",
    "container top|top",
    "container unpause|unpause",
    "container update|update",
    "container wait|wait",
    "inspect",

    "image build|build|builder build|buildx build",
    "image history|history",
    "image import|import",
    "image inspect",
    "image load|load",
    "image ls|images|image list",
    "image prune",
    "image pull|pull",
    "image push|push",
    "image rm|rmi|image remove",
    "image save|save",
    "image tag|tag",

    "builder prune|buildx prune",
    "buildx bake",
    "buildx create",
    "buildx dap",
    "buildx dial-stdio",
    "buildx du",
    "buildx history",
    "buildx imagetools",
    "buildx inspect",
    "buildx ls",
    "buildx policy",
    "buildx rm",
    "buildx stop",
    "buildx use",
    "buildx version",

    "volume create",
    "volume inspect",
    "volume ls|volume list",
    "volume prune",
    "volume rm|volume remove",
    "volume update",

    "network connect",
    "network create",
    "network disconnect",
    "network inspect",
    "network ls|network list",
    "network prune",
    "network rm|network remove",

    "system df",
    "system dial-stdio",
    "system events|events",
    "system info|info",
    "system prune",

    "checkpoint create",
    "checkpoint ls|checkpoint list",
    "checkpoint rm|checkpoint remove",
    "plugin create",
    "plugin disable",
    "plugin enable",
    "plugin inspect",
    "plugin install",
    "plugin ls|plugin list",
    "plugin push",
    "plugin rm|plugin remove",
    "plugin set",
    "plugin upgrade",

    "config create",
    "config inspect",
    "config ls|config list",
    "config rm|config remove",
    "node demote",
    "node inspect",
    "node ls|node list",
    "node promote",
    "node ps",
    "node rm|node remove",
    "node update",
    "secret create",
    "secret inspect",
    "secret ls|secret list",
    "secret rm|secret remove",
    "service create",
    "service inspect",
    "service logs",
    "service ls|service list",
    "service ps",
    "service rm|service remove",
    "service rollback",
    "service scale",
    "service update",
    "stack config",
    "stack deploy|stack up",
    "stack ls|stack list",
    "stack ps",
    "stack rm|stack down|stack remove",
    "stack services",
    "swarm ca",
    "swarm init",
    "swarm join",
    "swarm join-token",
    "swarm leave",
    "swarm unlock",
    "swarm unlock-key",
    "swarm update",

    "login",
    "logout",
    "search",
    "version",
    // These reach the engine only through what other commands call, or not at all: `compose` is
    // known by the labels that it sets, `manifest` and `trust` talk to registries.
    "compose",
    "context create",
    "context export",
    "context import",
    "context inspect",
    "context ls|context list",
    "context rm|context remove",
    "context show",
    "context update",
    "context use",
    "manifest annotate",
    "manifest create",
    "manifest inspect",
    "manifest push",
    "manifest rm",
    "trust inspect",
    "trust revoke",
    "trust sign",
    "trust key",
    "trust signer",
};

constexpr std::string_view kWildcards[] = {"container*", "image*",  "volume*",
                                           "network*",   "build*", "system*"};

bool has_name(Names names, std::string_view name) {
  auto all = split(names, '|');
  return std::ranges::find(all, name) != all.end();
}

// Whether one of the names is "GROUP something".
bool is_in_group(Names names, std::string_view group) {
  return std::ranges::any_of(split(names, '|'), [&](std::string_view name) {
    return name.size() > group.size() && name.starts_with(group) && name[group.size()] == ' ';
  });
}

bool is_group(std::string_view word) {
  return std::ranges::any_of(kCommands, [&](Names names) { return is_in_group(names, word); });
}

const Names* find(std::string_view command) {
  auto row = std::ranges::find_if(kCommands, [&](Names names) { return has_name(names, command); });
  return row == std::end(kCommands) ? nullptr : row;
}

bool is_wildcard(std::string_view entry) {
  return std::ranges::find(kWildcards, entry) != std::end(kWildcards);
}

bool means(std::string_view entry, Names names) {
  if (entry == "build*") return is_in_group(names, "builder") || is_in_group(names, "buildx");
  if (is_wildcard(entry)) return is_in_group(names, entry.substr(0, entry.size() - 1));
  return has_name(names, entry) || is_in_group(names, entry);
}

bool names_any(const CommandList& list, std::span<const std::string_view> commands) {
  return std::ranges::any_of(commands, [&](std::string_view command) {
    return std::ranges::any_of(list.commands,
                               [&](const auto& entry) { return entry_means(entry, command); });
  });
}

// The entry of a deny list that refuses: what an administrator would take out.
std::string_view blocking_entry(const CommandList& list, std::span<const std::string_view> owners) {
  for (const auto& entry : list.commands)
    for (auto owner : owners)
      if (entry_means(entry, owner)) return entry;
  return {};
}

}  // namespace

bool is_docker_command(std::string_view name) { return find(name) != nullptr; }

bool is_command_entry(std::string_view entry) {
  return is_docker_command(entry) || is_wildcard(entry) || is_group(entry);
}

bool entry_means(std::string_view entry, std::string_view command) {
  const Names* names = find(command);
  return names && is_command_entry(entry) && means(entry, *names);
}

bool is_allowed(const CommandList& list, std::span<const std::string_view> owners,
                std::span<const std::string_view> helper_of) {
  if (owners.empty() || !std::ranges::all_of(owners, is_docker_command)) return false;
  bool is_listed = names_any(list, owners);
  if (list.type == CommandListType::kDeny) return !is_listed;
  return is_listed || names_any(list, helper_of);
}

std::string command_blocked(const CommandList& list, std::span<const std::string_view> owners,
                            std::string_view request, std::string_view settings_file) {
  std::string out = cat("enhanced container isolation: docker command \"", request,
                        "\" is blocked; if you wish to allow it, configure the docker socket command list: ");
  auto blocking = blocking_entry(list, owners);
  if (list.type == CommandListType::kDeny && !blocking.empty())
    return cat(out, "remove \"", blocking, "\" from ", list.key, " in ", settings_file);
  if (owners.empty() || !is_docker_command(owners.front()))
    return cat(out, "this endpoint is not known to belong to any docker command");
  return cat(out, "add \"", owners.front(), "\" to ", list.key, " in ", settings_file);
}

}  // namespace bulkhead::policy
