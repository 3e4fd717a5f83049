// Which commands of the docker CLI an endpoint of the Engine API stands for: what a commandList
// means on the wire, for the CLI as for curl. To add an endpoint, add a row in endpoints.cc.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/commands.h"

namespace bulkhead::policy {

struct EndpointCommands {
  std::vector<std::string_view> owners;     // denied with any of these
  std::vector<std::string_view> helper_of;  // these call it too: allowed with any of them
  bool for_all = false;  // nearly every command calls it: an allow list does not close it
  bool always = false;   // no list closes it: without it no client finds out anything
};

// `method` and `pattern` as the guard's routes have them: "GET", "/containers/{id}/json" ("{id}"
// one component, "{name}" at least one), without the version. `/images/create` is two endpoints:
// "/images/create?fromImage" and "/images/create?fromSrc" (with both, dockerd pulls). HEAD is GET.
// nullptr: no row, so that nothing may be called that is not in the table.
const EndpointCommands* commands_of(std::string_view method, std::string_view pattern);

// Every row's method and pattern, for tests: of this table, and that each of the guard's routes has
// one.
std::vector<std::pair<std::string_view, std::string_view>> known_endpoints();

// Whether the list allows a call of the endpoint; false for an unknown one. `shown`: a command that
// the request itself shows and that has no endpoint of its own ("compose" by its labels), or empty.
// Such signs can be forged: a deny list that names it refuses, nothing is allowed for it.
bool is_endpoint_allowed(const CommandList& list, std::string_view method, std::string_view pattern,
                         std::string_view shown = {});

// command_blocked() for an endpoint. `request`: the raw request target, secrets taken out.
std::string endpoint_blocked(const CommandList& list, std::string_view method,
                             std::string_view pattern, std::string_view request,
                             std::string_view settings_file);

}  // namespace bulkhead::policy
