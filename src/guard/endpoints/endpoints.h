// The rules and body shapes of all endpoints; what each is for stands in its file.
#pragma once

#include "guard/facts.h"
#include "guard/request.h"
#include "guard/shape.h"

namespace bulkhead::guard {

// container_create.cc, container_shapes.cc
Verdict<> decide_create(Request& request, Facts& facts);
Verdict<> decide_update(Request& request, Facts& facts);
extern const Shape kCreateShape, kConfigShape, kUpdateShape, kMountsShape;

// container.cc
Verdict<> decide_start(Request& request, Facts& facts);
Verdict<> decide_restart(Request& request, Facts& facts);
Verdict<> decide_protected(Request& request, Facts& facts);  // params[0] is one of our containers
Verdict<> decide_exec_start(Request& request, Facts& facts);
extern const Shape kExecShape, kExecStartShape;

// image.cc
Verdict<> decide_image_create(Request& request, Facts& facts);
Verdict<> decide_build(Request& request, Facts& facts);
extern const Shape kAuthShape;

// swarm.cc, swarm_shapes.cc
Verdict<> decide_service(Request& request, Facts& facts);
Verdict<> decide_cluster(Request& request, Facts& facts);  // never
Verdict<> decide_plugin(Request& request, Facts& facts);   // never
extern const Shape kServiceShape, kSecretShape;

// volume.cc
Verdict<> decide_volume_create(Request& request, Facts& facts);
extern const Shape kVolumeShape;

// network.cc
Verdict<> decide_network_connect(Request& request, Facts& facts);
extern const Shape kNetworkShape, kConnectShape, kDisconnectShape, kEndpointShape;

}  // namespace bulkhead::guard
