#include "guard/commands.h"

#include <algorithm>

#include "base/strings.h"

namespace bulkhead::guard {
namespace {

// The groups of the CLI that a wildcard names, with their members.
struct Group {
  std::string_view wildcard, members;
};
constexpr Group kGroups[] = {
    {"container*", "container attach commit cp create diff exec export inspect kill logs pause port ps rename restart "
                   "rm run start stats stop top unpause update wait"},
    {"image*", "image images build history import inspect load pull push rmi save tag"},
    {"volume*", "volume"},
    {"network*", "network"},
    {"build*", "build builder buildx"},
    {"system*", "system info events prune"},
};

// The same command by its other name.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"images", "image"}, {"builder", "buildx"}, {"stack", "service"}};

bool has_word(std::string_view words, std::string_view word) {
  auto list = split(words, ' ');
  return std::ranges::find(list, word) != list.end();
}

bool any_named(const CommandList& list, const std::vector<std::string_view>& commands) {
  return std::ranges::any_of(list.commands, [&](const auto& entry) {
    return std::ranges::any_of(commands, [&](auto command) { return names_command(entry, command); });
  });
}

void add_words(std::vector<std::string_view>& out, std::string_view words) {
  for (auto word : split(words, ' '))
    if (!word.empty()) out.push_back(word);
}

}  // namespace

bool names_command(std::string_view entry, std::string_view command) {
  if (entry == command) return true;
  for (const auto& [wildcard, members] : kGroups)
    if (entry == wildcard) return has_word(members, command);
  for (const auto& [name, other] : kAliases)
    if ((entry == name && command == other) || (entry == other && command == name)) return true;
  return false;
}

Commands commands_of(const Request& request, const Route& route) {
  Commands out;
  if (route.pattern == "/images/create") {
    bool pulls = !request.target.query.get("fromImage").empty();  // wins in the engine
    add_words(out.owners, pulls ? "pull" : "import");
    if (pulls) add_words(out.helped, "run create");
    return out;
  }
  auto bar = route.commands.find('|');
  add_words(out.owners, route.commands.substr(0, bar));
  if (bar != route.commands.npos) add_words(out.helped, route.commands.substr(bar + 1));
  return out;
}

Verdict<> judge_command(const CommandList& list, const Request& request, const Route& route, std::string_view uri,
                        std::string_view settings_file) {
  auto [owners, helped] = commands_of(request, route);
  if (owners.empty() && helped.empty()) return {};
  bool passes = list.type == policy::CommandListType::kDeny ? !any_named(list, owners)
                                                            : any_named(list, owners) || any_named(list, helped);
  if (passes) return {};
  return refuse("command-list",
                cat("enhanced container isolation: docker command \"", uri, "\" is blocked; if you wish to allow it, ",
                    "configure the docker socket command list: ",
                    list.type == policy::CommandListType::kDeny ? "remove " : "add ",
                    owners.empty() ? helped.front() : owners.front(),
                    list.type == policy::CommandListType::kDeny ? " from" : " to",
                    " enhancedContainerIsolation.dockerSocketMount.commandList.commands in ", settings_file));
}

}  // namespace bulkhead::guard
