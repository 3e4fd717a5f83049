// Which commands of the docker CLI a request belongs to, and whether a command list lets it pass
// (commandList of the settings: for the sockets that containers are handed).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guard/route.h"
#include "policy/policy.h"

namespace bulkhead::guard {

struct CommandList {
  policy::CommandListType type = policy::CommandListType::kDeny;
  std::vector<std::string> commands;  // "ps", "image*"
};

// Whether `request`, of `route`, may pass. A deny list blocks it where it names a command that the
// request belongs to; an allow list lets it pass where it names one, or one that needs it as a step
// (`docker run` attaches and waits). Requests of no command (/_ping, /version) always pass.
// The refusal's core is Docker Desktop's text. `uri`: the request's target as the client wrote it.
Verdict<> judge_command(const CommandList& list, const Request& request, const Route& route, std::string_view uri,
                        std::string_view settings_file);

// The commands of a request: its route's, those before the bar as its owners. Where the query
// decides (pull or import) the one that it is.
struct Commands {
  std::vector<std::string_view> owners, helped;
};
Commands commands_of(const Request& request, const Route& route);

// Whether the entry of a list ("image*", "ls" as in "container ls") means the command.
bool names_command(std::string_view entry, std::string_view command);

}  // namespace bulkhead::guard
