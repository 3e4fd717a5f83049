#include "guard/facts.h"

#include "base/limits.h"
#include "base/strings.h"
#include "guard/target.h"

namespace bulkhead::guard {

Verdict<const json::Object*> Facts::object(std::string_view path) {
  auto known = known_.find(path);
  if (known == known_.end()) {
    wanted_ = path;
    return std::unexpected(Refusal{0, "", ""});
  }
  const auto& [status, body] = known->second;
  if (status == 404 || status == 400) return nullptr;
  if (status != 200 || !body.is_object())
    return std::unexpected(Refusal{502, "engine", cat("the engine answered ", status, " to ", path)});
  return &body.get_object();
}

Verdict<> Facts::answer(Fact fact) {
  if (known_.size() >= limits::kApiFacts)
    return malformed(cat("the request refers to more than ", limits::kApiFacts, " objects"));
  known_[std::exchange(wanted_, {})] = std::move(fact);
  return {};
}

namespace {

std::string path_to(std::string_view kind, std::string_view name, std::string_view rest) {
  Target target;
  target.path = cat(kind, name, rest);
  return target.text();
}

// A name that would change the path that is asked for names nothing.
bool is_name(std::string_view name, bool slashes) {
  if (name.empty() || name.size() > 512 || name.front() == '/' || name.find("..") != name.npos) return false;
  if (!slashes && name.find('/') != name.npos) return false;
  return name.find_first_of("?#\\%;") == name.npos;
}

}  // namespace

Verdict<const json::Object*> Facts::container(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);  // names as inspect shows them
  return is_name(name, false) ? object(path_to("/containers/", name, "/json")) : nullptr;
}

Verdict<const json::Object*> Facts::volume(std::string_view name) {
  return is_name(name, false) ? object(path_to("/volumes/", name, "")) : nullptr;
}

Verdict<const json::Object*> Facts::image(std::string_view name) {
  return is_name(name, true) ? object(path_to("/images/", name, "/json")) : nullptr;
}

Verdict<const json::Object*> Facts::network(std::string_view name) {
  return is_name(name, false) ? object(path_to("/networks/", name, "")) : nullptr;
}

Verdict<const json::Object*> Facts::exec(std::string_view id) {
  return is_name(id, false) ? object(path_to("/exec/", id, "/json")) : nullptr;
}

}  // namespace bulkhead::guard
