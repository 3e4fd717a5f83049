#include <algorithm>
#include <set>

#include "guard_world.h"
#include "policy/endpoints.h"

namespace bulkhead::guard {
namespace {

std::string pattern_of(std::string_view method, std::string_view target) {
  Request request;
  request.method = method;
  request.target = *parse_target(target);
  auto route = find_route(request);
  return route ? std::string((*route)->pattern) : "";
}

TEST(GuardRoute, Patterns) {
  EXPECT_EQ(pattern_of("GET", "/containers/json"), "/containers/json");
  EXPECT_EQ(pattern_of("GET", "/v1.41/containers/abc/json"), "/containers/{id}/json");
  EXPECT_EQ(pattern_of("GET", "/images/a/b:c/json"), "/images/{name}/json");
  EXPECT_EQ(pattern_of("GET", "/images/get"), "/images/get");
  EXPECT_EQ(pattern_of("DELETE", "/images/localhost:5000/a"), "/images/{name}");
}

TEST(GuardRoute, UnknownIsRefused) {
  for (auto [method, target] : {std::pair{"GET", "/debug/pprof/heap"}, {"OPTIONS", "/info"}, {"POST", "/info"},
                                {"GET", "/containers"}, {"GET", "/containers/a/b/json"}, {"POST", "/plugins/a/unknown"},
                                {"GET", "/images/a/attestations"}, {"TRACE", "/_ping"}, {"get", "/_ping"},
                                {"GET", "/containers/a/attach"}, {"GET", "/_ping/"}, {"POST", "/containers//start"}})
    if (parse_target(target)) {
      EXPECT_EQ(pattern_of(method, target), "") << target;
    }
}

// commandList: a route without a row there could not be blocked or allowed.
TEST(GuardRoute, EveryRouteHasItsCommands) {
  for (const auto& route : routes()) {
    if (route.pattern == "/images/create") continue;  // two rows: a pull, an import
    EXPECT_TRUE(policy::commands_of(route.method, route.pattern)) << route.method << " " << route.pattern;
  }
}

TEST(GuardRoute, RowsAreWhole) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const auto& route : routes()) {
    EXPECT_TRUE(seen.insert({route.method, route.pattern}).second) << route.pattern;
    EXPECT_EQ(route.kind == Kind::kJson, route.shape != nullptr && route.kind != Kind::kHijack) << route.pattern;
    EXPECT_LE(std::ranges::count(route.pattern, '{'), 1) << route.pattern;
  }
}

}  // namespace
}  // namespace bulkhead::guard
