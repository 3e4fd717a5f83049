// The life of a container after it was made. What a create was judged by is judged again at start:
// symbolic links, volumes and the policy may have changed since.
#include "base/strings.h"
#include "guard/endpoints/endpoints.h"
#include "guard/mounts.h"
#include "guard/namespaces.h"
#include "guard/socket_mounts.h"

namespace bulkhead::guard {
namespace {

Verdict<> judge_start(Request& request, Facts& facts) {
  auto name = request.params.at(0);
  TRY(judge_protected(request, "started", facts));
  const auto* container = TRY(facts.container(name));
  const auto* host_config = container ? child_of(*container, "HostConfig") : nullptr;
  if (!host_config) return {};
  TRY(judge_own_socket(request, *container, facts));
  const auto* config = child_of(*container, "Config");
  return judge_mounts(*host_config, config ? text_of(*config, "Image") : "", facts);
}

}  // namespace

Verdict<> decide_start(Request& request, Facts& facts) {
  for (std::string_view option : {"checkpoint", "checkpoint-dir"})
    if (!request.target.query.get(option).empty())
      return refuse("checkpoint",
                    "checkpoints are not supported by bulkhead: they hold the state of a process "
                    "that the kernel would restore with another's rights");
  return judge_start(request, facts);
}

Verdict<> decide_restart(Request& request, Facts& facts) {
  return judge_start(request, facts);
}

Verdict<> decide_protected(Request& request, Facts& facts) {
  return judge_protected(request, "used so", facts);
}

Verdict<> decide_exec_start(Request& request, Facts& facts) {
  const auto* exec = TRY(facts.exec(request.params.at(0)));
  return exec ? judge_protected(text_of(*exec, "ContainerID"), "entered", facts) : Verdict<>();
}

}  // namespace bulkhead::guard
