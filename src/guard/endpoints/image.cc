// Images and builds: what the engine would fetch, and in whose network a build runs.
#include <algorithm>

#include "base/strings.h"
#include "guard/endpoints/endpoints.h"
#include "guard/namespaces.h"

namespace bulkhead::guard {
namespace {

constexpr Member kAuthMembers[] = {
    {"username", kString}, {"password", kString},      {"auth", kString},          {"email", kString},
    {"serveraddress", kString}, {"identitytoken", kString}, {"registrytoken", kString}};

constexpr std::string_view kBuildParameters[] = {
    "t",          "dockerfile", "remote",    "q",          "nocache",    "cachefrom",    "pull",
    "rm",         "forcerm",    "memory",    "memswap",    "cpushares",  "cpusetcpus",   "cpusetmems",
    "cpuperiod",  "cpuquota",   "buildargs", "shmsize",    "squash",     "labels",       "networkmode",
    "platform",   "target",     "outputs",   "version",    "session",    "buildid",      "extrahosts",
    "ulimits",    "cgroupparent", "securityopt", "isolation", "encoding", "compress",    "idmappings"};

// "http://localhost:8500/..." would be fetched by the engine from the host's own point of view.
// Names that only resolve to such addresses are not seen here.
bool is_host_local(std::string_view url) {
  auto scheme = url.find("://");
  auto host = scheme == url.npos ? url : url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (auto at = host.rfind('@'); at != host.npos) host.remove_prefix(at + 1);
  for (std::string_view local :
       {"localhost", "127.", "0.", "169.254.", "[::1]", "[::]", "[fe80:", "[::ffff:"})
    if (host.size() >= local.size() &&
        std::ranges::equal(host.substr(0, local.size()), local,
                           [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; }))
      return true;
  return false;
}

Verdict<> judge_fetch(std::string_view url) {
  if (!is_host_local(url)) return {};
  return refuse("fetch",
                cat("the engine would fetch ", url, " from the host itself; fetch it yourself and send it"));
}

}  // namespace

const Shape kAuthShape = object_of(kAuthMembers);

// A pull where fromImage is there (it wins in the engine), else an import.
Verdict<> decide_image_create(Request& request, Facts&) {
  const auto& query = request.target.query;
  if (!query.get("fromImage").empty() || query.get("fromSrc").empty() || query.get("fromSrc") == "-")
    return {};
  return judge_fetch(query.get("fromSrc"));
}

Verdict<> decide_build(Request& request, Facts& facts) {
  const auto& query = request.target.query;
  for (const auto& [name, value] : query.parameters)
    if (std::ranges::find(kBuildParameters, name) == std::end(kBuildParameters))
      return refuse("build-parameter",
                    cat("the build parameter \"", name, "\" is not one that bulkhead-guard knows"));
  auto network = query.get("networkmode");
  if (network == "host")
    return refuse("build-network",
                  "enhanced container isolation: docker build with --network=host is not allowed: "
                  "the build would share the host's network namespace; leave it out, or build with "
                  "a docker-container builder (docker buildx create --use), whose network that is");
  TRY(judge_namespace("network", network, facts));
  for (auto component : split(query.get("cgroupparent"), '/'))
    if (component == "..") return refuse("cgroup-parent", "cgroupparent must not contain \"..\"");
  auto remote = query.get("remote");
  return remote.find("://") == remote.npos && !remote.starts_with("git@") ? Verdict<>() : judge_fetch(remote);
}

}  // namespace bulkhead::guard
