// What the engine says about the objects that a request names. Rules are plain functions that ask
// as if the answer were at hand; a missing one ends them with a Refusal of status 0, the connection
// gets it from the engine, and the rule runs again from its start. So rules do no I/O, and must be
// repeatable. Facts live for one request: nothing is remembered by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guard/environment.h"
#include "guard/verdict.h"
#include "images/verdict.h"
#include "json/read.h"

namespace bulkhead::guard {

struct Fact {
  unsigned status = 0;  // of the engine's response
  json::Value body;
};

class Facts {
 public:
  explicit Facts(const Environment& environment) : environment_(environment) {}

  const Environment& environment() const { return environment_; }

  // The engine's answer to GET `path`, an object; nullptr: there is no such thing (404). Refused
  // (502) when the engine answered otherwise.
  Verdict<const json::Object*> object(std::string_view path);

  // GET /containers/{id}/json and the like; `name` is encoded.
  Verdict<const json::Object*> container(std::string_view name);
  Verdict<const json::Object*> volume(std::string_view name);
  Verdict<const json::Object*> image(std::string_view name);
  Verdict<const json::Object*> network(std::string_view name);
  Verdict<const json::Object*> exec(std::string_view id);

  // The answer to GET `path`, an array.
  Verdict<const json::Array*> list(std::string_view path);

  // What a registry serves under a reference: image ids, or why that is not known.
  using Ids = Result<std::vector<std::string>>;
  Verdict<const Ids*> registry(const images::Question& question);

  // A bind source that was judged apart: the container's own Docker socket.
  void allow_source(std::string path) { allowed_source_ = std::move(path); }
  bool is_allowed_source(std::string_view path) const { return !path.empty() && path == allowed_source_; }

  // For the connection: what a rule waits for, and the answer to that.
  struct Wanted {
    std::string target;  // of a GET; or
    std::optional<images::Question> question;
  };
  const Wanted& wanted() const { return wanted_; }
  Verdict<> answer(Fact fact);
  Verdict<> answer(Ids ids);

 private:
  const Environment& environment_;
  Verdict<const Fact*> get(std::string_view path);
  std::map<std::string, Fact, std::less<>> known_;
  std::map<std::string, Ids, std::less<>> served_;
  Wanted wanted_;
  std::string allowed_source_;
};

}  // namespace bulkhead::guard
