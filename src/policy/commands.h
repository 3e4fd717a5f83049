// Commands of the docker CLI, as commandList names them (SPEC G5). The guard's routes say which
// commands an endpoint belongs to; this says what a list of commands makes of that.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::policy {

enum class CommandListType { kDeny, kAllow };

struct CommandList {
  CommandListType type = CommandListType::kDeny;
  std::vector<std::string> commands;  // is_command_entry() holds for each
  std::string key;                    // of this list in the settings file, for messages
};

// Whether `name` is one command: by its full name ("container ls"), or another that the CLI has for
// it ("ps", "container list").
bool is_docker_command(std::string_view name);

// Whether `entry` may stand in a list: a command; a group ("volume"), which is all of its commands;
// or a documented wildcard ("container*", "image*", "volume*", "network*", "build*", "system*").
bool is_command_entry(std::string_view entry);

// Whether an entry of a list means the command. "system*" includes `system prune`; "build*" all of
// build, builder and buildx. False for what is not in the tables.
bool entry_means(std::string_view entry, std::string_view command);

// May an endpoint be called? `owners`: the commands that exist for it (POST /containers/prune:
// "container prune", "system prune"); `helper_of`: those that also call it. A deny list refuses
// when it names any owner; an allow list allows when it names any owner or any command that needs
// the endpoint. No owners at all, or one that is not in the tables (a mistake in a route): refused.
bool is_allowed(const CommandList& list, std::span<const std::string_view> owners,
                std::span<const std::string_view> helper_of);

// The text for the client of a refused call (HTTP 403). `request` is the raw request target, as
// Docker Desktop shows it; the caller has taken secrets out of it.
std::string command_blocked(const CommandList& list, std::span<const std::string_view> owners,
                            std::string_view request, std::string_view settings_file);

}  // namespace bulkhead::policy
