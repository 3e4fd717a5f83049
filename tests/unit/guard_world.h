// A small host and engine for the rules: files by path, facts by target.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "guard/endpoints/endpoints.h"
#include "guard/route.h"
#include "json/serialize.h"

namespace bulkhead::guard {

class FakeFiles : public HostFiles {
 public:
  std::map<std::string, HostFile, std::less<>> files;

  // `path` is the inode `number`, whose real path is `resolved`.
  void add(std::string path, std::uint64_t number, std::string resolved = "") {
    files[path] = {resolved.empty() ? path : resolved, FileIdentity{1, number}};
  }
  HostFile look(std::string_view path) const override {
    auto found = files.find(path);
    return found == files.end() ? HostFile{std::string(path), std::nullopt} : found->second;
  }
};

struct World {
  FakeFiles files;
  Environment environment;
  std::map<std::string, std::string> engine;  // target -> JSON, "" for 404
  std::map<std::string, Facts::Ids> registry;  // reference -> image ids
  std::vector<std::string> asked;
  Request last;

  World() {
    environment.policy = std::make_shared<policy::Policy>(policy::default_policy());
    environment.state_directory = "/var/lib/bulkhead/guard";
    environment.settings_file = "/etc/bulkhead/admin-settings.json";
    environment.runtime = "bulkhead";
    environment.sockets = {"/run/docker.sock"};
    environment.host = &files;
    files.add("/", 2);
    files.add("/run", 3);
    files.add("/var/run", 3, "/run");
    files.add("/run/docker.sock", 4);
    files.add("/var/run/docker.sock", 4, "/run/docker.sock");
    files.add("/etc/docker", 5);
    files.add("/home/u", 6);
  }

  // The request as the connection would judge it: "" when allowed, else the rule that refused.
  std::string judge(std::string_view method, std::string_view target, std::string_view body = "") {
    last = {};
    last.method = method;
    auto parsed = parse_target(target);
    if (!parsed) return parsed.error().rule;
    last.target = *parsed;
    auto route = find_route(last);
    if (!route) return route.error().rule;
    if ((*route)->shape) {
      std::vector<std::string> dropped;
      last.body = json::Object();
      if (!body.empty()) {
        auto shaped = into_shape(*json::parse(body), *(*route)->shape, dropped);
        if (!shaped) return shaped.error().rule;
        last.body = *shaped;
      }
    }
    Facts facts(environment);
    while ((*route)->rule) {
      auto verdict = (*route)->rule(last, facts);
      if (verdict) break;
      message = verdict.error().message;
      if (verdict.error().status != 0) return verdict.error().rule;
      Verdict<> taken;
      if (const auto& question = facts.wanted().question) {
        taken = facts.answer(registry.contains(question->reference.text()) ? registry.at(question->reference.text())
                                                                           : Facts::Ids(fail("registry down")));
      } else {
        const auto& target = asked.emplace_back(facts.wanted().target);
        const auto& text = engine[target];
        taken = facts.answer(Fact{text.empty() ? 404u : 200u, text.empty() ? json::Value() : *json::parse(text)});
      }
      if (!taken) return taken.error().rule;
    }
    return "";
  }

  // A create with these members of HostConfig.
  std::string create(std::string_view host_config) {
    return judge("POST", "/containers/create",
                 std::string(R"({"Image":"busybox","HostConfig":{)").append(host_config).append("}}"));
  }
  std::string forwarded() const { return json::serialize(last.body); }

  std::string message;
};

}  // namespace bulkhead::guard
