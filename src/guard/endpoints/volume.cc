// Volumes: a local one with options is a mount(2) of the host's root, made when it is first used.
#include "guard/endpoints/endpoints.h"
#include "guard/mounts.h"

namespace bulkhead::guard {
namespace {

constexpr Member kVolumeMembers[] = {
    {"Name", kString}, {"Driver", kString}, {"DriverOpts", kStringMap}, {"Labels", kStringMap},
    {"ClusterVolumeSpec", kAny}};

}  // namespace

const Shape kVolumeShape = object_of(kVolumeMembers);

Verdict<> decide_volume_create(Request& request, Facts& facts) {
  auto& body = request.object();
  if (body.contains("ClusterVolumeSpec"))
    return refuse("cluster-volume",
                  "cluster volumes are not allowed: they are made by plugins with the host's rights");
  return judge_volume_options(text_of(body, "Driver"), child_of(body, "DriverOpts"), "(a volume)", facts);
}

}  // namespace bulkhead::guard
