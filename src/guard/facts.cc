#include "guard/facts.h"

#include "base/limits.h"
#include "base/strings.h"
#include "guard/target.h"

namespace bulkhead::guard {

Verdict<const Fact*> Facts::get(std::string_view path) {
  auto known = known_.find(path);
  if (known == known_.end()) {
    wanted_ = {std::string(path), std::nullopt};
    return std::unexpected(Refusal{0, "", ""});
  }
  const auto& fact = known->second;
  if (fact.status == 200 || fact.status == 404 || fact.status == 400) return &fact;
  return std::unexpected(Refusal{502, "engine", cat("the engine answered ", fact.status, " to ", path)});
}

Verdict<const json::Object*> Facts::object(std::string_view path) {
  const auto* fact = TRY(get(path));
  return fact->status == 200 ? fact->body.if_object() : nullptr;
}

Verdict<const json::Array*> Facts::list(std::string_view path) {
  const auto* fact = TRY(get(path));
  if (fact->status == 200 && fact->body.is_array()) return &fact->body.get_array();
  return std::unexpected(Refusal{502, "engine", cat("the engine gave no list for ", path)});
}

Verdict<const Facts::Ids*> Facts::registry(const images::Question& question) {
  auto known = served_.find(question.reference.text());
  if (known != served_.end()) return &known->second;
  wanted_ = {"", question};
  return std::unexpected(Refusal{0, "", ""});
}

Verdict<> Facts::answer(Fact fact) {
  if (known_.size() >= limits::kApiFacts)
    return malformed(cat("the request refers to more than ", limits::kApiFacts, " objects"));
  known_[wanted_.target] = std::move(fact);
  wanted_ = {};
  return {};
}

Verdict<> Facts::answer(Ids ids) {
  if (served_.size() >= limits::kApiFacts) return malformed("too many registries to ask");
  served_.insert_or_assign(wanted_.question->reference.text(), std::move(ids));
  wanted_ = {};
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
