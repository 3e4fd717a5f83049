// The routes that the guard knows; any other request is refused. To add an endpoint: a row in
// route.cc, and where it has rules a function in endpoints/. What the docker
// CLI calls it is in policy/endpoints.cc.
#pragma once

#include <span>
#include <string_view>

#include "guard/facts.h"
#include "guard/request.h"
#include "guard/shape.h"

namespace bulkhead::guard {

enum class Kind : unsigned char {
  kPlain,      // no body
  kJson,       // a JSON body, in the route's shape
  kStream,     // a body that is not looked at: tar
  kHijack,     // becomes a raw stream; a JSON body where the route has a shape
  kWebSocket,
  kUpgrade,    // h2c over Upgrade: /session, /grpc
};

using Rule = Verdict<> (*)(Request& request, Facts& facts);

struct Route {
  std::string_view method;
  // "{id}" stands for one component, "{name}" at least one, slashes in between (images, plugins).
  std::string_view pattern;
  Kind kind = Kind::kPlain;
  Rule rule = nullptr;        // nullptr: nothing to judge
  const Shape* shape = nullptr;
};

inline bool may_upgrade(const Route& route) {
  return route.kind == Kind::kHijack || route.kind == Kind::kWebSocket || route.kind == Kind::kUpgrade;
}

std::span<const Route> routes();

// The row for the request, its params filled in. Refused: none.
Verdict<const Route*> find_route(Request& request);

}  // namespace bulkhead::guard
