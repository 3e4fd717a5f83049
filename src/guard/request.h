// A request as the rules see it: matched, decoded, in shape. Rules change it in place.
#pragma once

#include <string>
#include <vector>

#include "guard/sockets.h"
#include "guard/target.h"
#include "http/message.h"
#include "json/read.h"

namespace bulkhead::guard {

struct Request {
  std::string method;
  Target target;
  std::vector<std::string> params;  // what the braces of the route's pattern stand for
  http::Headers headers;            // the client's
  json::Value body;                 // an object for routes with a JSON body, else null
  std::vector<std::string> notes;   // for the audit log: "HostConfig.Runtime: runc -> bulkhead"

  std::optional<Holder> granted;    // the Docker socket that the container is to have

  json::Object& object() { return body.get_object(); }
};

}  // namespace bulkhead::guard
