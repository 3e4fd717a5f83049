// bulkheadctl policy check | explain | show.
#include <stdlib.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/strings.h"
#include "ctl/command.h"
#include "ctl/docker_words.h"
#include "ctl/explain.h"
#include "policy/pattern.h"
#include "policy/policy.h"
#include "sys/file.h"

namespace bulkhead::ctl {
namespace {

constexpr char kSettingsFile[] = "/etc/bulkhead/admin-settings.json";

Result<policy::Policy> load(const std::string& file, bool is_default) {
  auto text = sys::read_file(file, limits::kPolicyBytes);
  if (!text && text.error().code == ENOENT && is_default) return policy::default_policy();
  if (!text) return std::unexpected(std::move(text).error().wrap("settings file"));
  return policy::read_policy(*text, file);
}

void print(std::string_view text) { fwrite(text.data(), 1, text.size(), stdout); }

std::string lines_of(std::string_view title, const std::vector<std::string>& items) {
  return cat("  ", title, ": ", items.empty() ? "none" : join(items, ", "), "\n");
}

std::string describe(const policy::CommandList& list) {
  return cat(list.type == policy::CommandListType::kAllow ? "allow only " : "deny ",
             list.commands.empty() ? "nothing" : join(list.commands, ", "));
}

// The policy in force, in words: what the file says and what it leaves to the defaults.
std::string describe(const policy::Policy& policy) {
  const auto& socket = policy.docker_socket;
  std::vector<std::string> images;
  for (const auto& pattern : socket.images.patterns()) images.push_back(pattern.text());
  std::string out = cat("  isolation: ", policy.isolation_on ? "on" : "off",
                        policy.isolation_locked ? ", locked" : ", users may switch it", "\n");
  out += cat(
      "  mode: ",
      policy.mode == policy::Mode::kAudit ? "audit (nothing is refused by the guard)" : "enforce",
      "\n");
  out += cat("  containers that do not run under bulkhead: ",
             policy.unprotected == policy::Unprotected::kRefuse ? "refused" : "allowed", "\n");
  out += lines_of("images with the docker socket", images);
  out +=
      cat("  derived images: ", socket.images.allows_derived() ? "allowed" : "not allowed", "\n");
  out += cat("  commands through it: ", describe(socket.command_list), "\n");
  for (const auto& [patterns, list] : socket.image_command_lists) {
    std::vector<std::string> names;
    for (const auto& pattern : patterns) names.push_back(pattern.text());
    out += cat("  commands for ", join(names, ", "), ": ", describe(list), "\n");
  }
  out += cat("  restricted host paths: ", policy.restricted.size(),
             ", exceptions: ", policy.exceptions.size(), "\n");
  out += lines_of("devices", policy.allowed_devices);
  return out;
}

Result<int> check(const cli::Parsed& parsed) {
  if (parsed.arguments.size() > 1) return fail("expected one FILE");
  std::string file =
      parsed.arguments.empty() ? std::string(kSettingsFile) : parsed.arguments.front();
  auto policy = TRY(load(file, false));
  print(cat(file, ": good; what it means:\n", describe(policy)));
  return 0;
}

// Symlinks resolved. Of a path that is not there (yet), those of the parents that are.
std::string resolve(const std::string& path) {
  std::string parent = path, rest;
  while (!parent.empty()) {
    std::unique_ptr<char, void (*)(void*)> real(::realpath(parent.c_str(), nullptr), ::free);
    if (real) return rest.empty() || real.get() != std::string_view("/") ? cat(real.get(), rest) : rest;
    auto slash = parent.rfind('/');
    if (slash == parent.npos) break;
    rest.insert(0, parent.substr(slash));
    parent.resize(slash);
  }
  return path;
}

Result<int> explain_command(const cli::Parsed& parsed) {
  bool is_default = !parsed.has("settings");
  std::string file = is_default ? std::string(kSettingsFile) : parsed.get("settings");
  auto policy = TRY(load(file, is_default));
  auto words = TRY(read_docker_words(parsed.arguments));
  ExplainInputs inputs{.policy = policy, .settings_file = file, .resolve = resolve};
  if (parsed.has("image"))
    inputs.caller = TRY_IN("--image", images::parse_reference(parsed.get("image")));
  bool is_refused = false;
  for (const auto& finding : explain(words, inputs)) {
    bool refused = finding.kind == Finding::Kind::kRefused;
    print(cat(refused ? "refused: " : "note: ", finding.text, "\n"));
    is_refused |= refused;
  }
  print(is_refused ? "would be refused\n" : "would be allowed\n");
  return is_refused ? kExitRefused : 0;
}

constexpr cli::Option kExplainOptions[] = {
    {"settings", 0, "FILE", "the settings file (default /etc/bulkhead/admin-settings.json)"},
    {"image", 0, "IMAGE", "for commands other than run and create: whose container has the socket"},
};

constexpr Command kCommands[] = {
    {"policy",
     "check",
     "[FILE]",
     "say whether a settings file is good, and what it means",
     {},
     check},
    {"policy", "explain", "[docker] COMMAND...",
     "say what would become of a docker command, and why", kExplainOptions, explain_command},
};

}  // namespace

std::span<const Command> policy_commands() { return kCommands; }

}  // namespace bulkhead::ctl
