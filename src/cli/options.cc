#include "cli/options.h"

#include "base/strings.h"

namespace bulkhead::cli {
namespace {

const Option* find(std::span<const Option> options, std::string_view name) {
  for (const auto& option : options) {
    if (name == option.name) return &option;
    if (name.size() == 1 && name[0] == option.letter) return &option;
  }
  return nullptr;
}

// As Go's strconv.ParseBool, which callers of other runtimes write for.
std::optional<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  return std::nullopt;
}

}  // namespace

std::string Parsed::get(std::string_view name) const {
  auto found = values.find(name);
  return found == values.end() ? "" : found->second.back();
}

std::vector<std::string> Parsed::all(std::string_view name) const {
  auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

Result<Parsed> parse(std::span<const Option> options, std::span<const std::string> words) {
  // Not getopt_long: runc's options (Go's style) may begin with one dash or two whatever their
  // length, which engines use ("-systemd-cgroup"); getopt_long_only would take abbreviations too.
  Parsed parsed;
  std::size_t at = 0;
  for (; at < words.size(); ++at) {
    std::string_view word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') break;
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    auto equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    const Option* option = find(options, name);
    if (!option) return fail(cat("unknown option --", name, " (see --help)"));
    auto& values = parsed.values[option->name];
    if (equals != std::string_view::npos) {
      values.emplace_back(word.substr(equals + 1));
      if (option->argument) continue;
      auto on = parse_bool(values.back());
      if (!on) return fail(cat("--", name, "=", values.back(), ": must be true or false"));
      if (!*on) parsed.values.erase(option->name);
    } else if (!option->argument) {
      values.emplace_back();
    } else if (at + 1 < words.size()) {
      values.push_back(words[++at]);
    } else {
      return fail(cat("option --", name, " needs ", option->argument));
    }
  }
  parsed.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  return parsed;
}

std::string describe(std::span<const Option> options) {
  std::string out;
  for (const auto& option : options) {
    std::string left = cat("  --", option.name);
    if (option.argument) left += cat(" ", option.argument);
    if (option.letter) left += cat(", -", std::string(1, option.letter));
    left.resize(std::max<std::size_t>(left.size() + 1, 34), ' ');
    out += cat(left, option.help, "\n");
  }
  return out;
}

}  // namespace bulkhead::cli
