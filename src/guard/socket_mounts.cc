#include "guard/socket_mounts.h"

#include "base/strings.h"
#include "guard/shape.h"

namespace bulkhead::guard {
namespace {

std::vector<std::string> strings_of(const json::Object& object, std::string_view name) {
  std::vector<std::string> out;
  if (const auto* list = array_of(object, name))
    for (const auto& item : *list)
      if (item.is_string()) out.emplace_back(text_of(item));
  return out;
}

images::LocalImage local_image(const json::Object& image) {
  images::LocalImage out{.id = std::string(text_of(image, "Id")),
                         .repo_tags = strings_of(image, "RepoTags"),
                         .repo_digests = strings_of(image, "RepoDigests"),
                         .layers = {}};
  if (const auto* root = child_of(image, "RootFS")) out.layers = strings_of(*root, "Layers");
  return out;
}

Verdict<images::Verdict> judge_by_registry(std::string_view requested, const images::LocalImage& image,
                                           Facts& facts) {
  const auto& list = facts.environment().policy->docker_socket.images;
  std::vector<images::Answer> answers;
  for (const auto& question : list.questions(image)) {
    const auto* ids = TRY(facts.registry(question));
    answers.push_back({question, *ids});
  }
  return list.judge(requested, image, answers, facts.environment().settings_file);
}

// An image that was built on an allowed one (allowDerivedImages).
Verdict<images::Verdict> judge_parents(images::Verdict verdict, const images::LocalImage& image,
                                       Facts& facts) {
  const auto& list = facts.environment().policy->docker_socket.images;
  const auto* all = TRY(facts.list("/images/json"));
  for (const auto& value : *all) {
    if (!value.is_object() || !list.may_be_parent(local_image(value.get_object()), image)) continue;
    const auto* inspected = TRY(facts.image(text_of(value.get_object(), "Id")));
    if (!inspected) continue;
    auto parent = local_image(*inspected);
    if (!images::is_base_of(parent, image)) continue;
    auto parents = TRY(judge_by_registry(text_of(value.get_object(), "Id"), parent, facts));
    if (parents.allowed) return images::as_derived(std::move(parents));
  }
  return verdict;
}

// What the image may have; refused with its message otherwise. `name` as the client wrote it, `id`
// what to look up.
Verdict<images::Reference> judge_image(std::string_view name, std::string_view id, Facts& facts) {
  const auto* inspected = TRY(facts.image(id));
  if (!inspected)
    return refuse("socket-mount",
                  cat("enhanced container isolation: docker socket mount denied for container with image \"",
                      name, "\": there is no such image here; pull it first"));
  auto image = local_image(*inspected);
  const auto& list = facts.environment().policy->docker_socket.images;
  auto verdict = TRY(judge_by_registry(name, image, facts));
  if (!verdict.allowed && list.allows_derived() && !image.layers.empty())
    verdict = TRY(judge_parents(std::move(verdict), image, facts));
  if (!verdict.allowed) return refuse("socket-mount", verdict.message);
  return verdict.verified;
}

// Whether the host's file at `source` is a Docker socket itself, not a directory above one.
bool is_socket(std::string_view source, const Environment& environment) {
  if (!source.starts_with('/')) return false;
  if (key_of(environment.state_directory, source))
    return true;  // another container's, as re-creation copies it
  auto file = environment.host->look(source);
  if (!file.identity) return false;
  for (const auto& socket : environment.sockets)
    if (environment.host->look(socket).identity == file.identity) return true;
  return false;
}

Verdict<> grant(Request& request, std::string_view image, Facts& facts) {
  if (!request.granted) {
    auto verified = TRY(judge_image(image, image, facts));
    request.granted = Holder{new_key(), std::move(verified)};
    request.notes.push_back("docker socket: one of its own");
  }
  facts.allow_source(socket_path(facts.environment().state_directory, request.granted->key));
  return {};
}

}  // namespace

Verdict<> place_sockets(Request& request, json::Object& host_config, std::string_view image, Facts& facts) {
  const auto& environment = facts.environment();
  auto own = [&] { return socket_path(environment.state_directory, request.granted->key); };
  if (auto* binds = host_config.if_contains("Binds"); binds && binds->is_array())
    for (auto& bind : binds->get_array()) {
      auto text = text_of(bind);
      auto source = text.substr(0, text.find(':'));
      if (!is_socket(source, environment)) continue;
      TRY(grant(request, image, facts));
      bind = cat(own(), text.substr(source.size()));
    }
  if (auto* mounts = host_config.if_contains("Mounts"); mounts && mounts->is_array())
    for (auto& mount : mounts->get_array()) {
      auto& object = mount.get_object();
      if (text_of(object, "Type") != "bind" || !is_socket(text_of(object, "Source"), environment)) continue;
      TRY(grant(request, image, facts));
      object["Source"] = own();
    }
  return {};
}

Verdict<> judge_own_socket(Request& request, const json::Object& container, Facts& facts) {
  const auto& state = facts.environment().state_directory;
  const auto* host_config = child_of(container, "HostConfig");
  const auto* config = child_of(container, "Config");
  if (!host_config || !config) return {};
  std::vector<std::string> sources;
  for (const auto& bind : strings_of(*host_config, "Binds"))
    sources.push_back(bind.substr(0, bind.find(':')));
  if (const auto* mounts = array_of(*host_config, "Mounts"))
    for (const auto& mount : *mounts)
      if (mount.is_object()) sources.emplace_back(text_of(mount.get_object(), "Source"));
  for (const auto& source : sources) {
    auto key = key_of(state, source);
    if (!key) continue;
    auto verified = TRY(judge_image(text_of(*config, "Image"), text_of(container, "Image"), facts));
    request.granted = Holder{*key, std::move(verified)};
    facts.allow_source(source);
  }
  return {};
}

}  // namespace bulkhead::guard
