// Whose namespaces a container may live in: its own, or those of another container of ours.
#pragma once

#include "guard/facts.h"
#include "guard/request.h"

namespace bulkhead::guard {

// The namespace modes of a HostConfig, and the networks that it and `networking` name. Resets
// UsernsMode: a user namespace of its own is what every container gets, whatever it asks for.
Verdict<> judge_namespaces(json::Object& host_config, const json::Object* networking, Facts& facts);

// A mode of one namespace: "host" and "container:ID". `kind`: "pid", "network", ...
Verdict<> judge_namespace(std::string_view kind, std::string_view mode, Facts& facts);

// A network by name or id: not the host's.
Verdict<> judge_network(std::string_view name, Facts& facts);

// `name` is a container that runs under our runtime. A container that does not exist passes: the
// engine says that better. `doing`: "started", "attached to"; for the message.
Verdict<> judge_protected(std::string_view name, std::string_view doing, Facts& facts);

// The same for a request about a container (its first parameter), which from then on names it by its
// id: a name may be another container's by the time that the engine reads it.
Verdict<> judge_protected(Request& request, std::string_view doing, Facts& facts);

}  // namespace bulkhead::guard
