#include "ctl/docker_words.h"

#include <algorithm>

#include "base/strings.h"
#include "policy/commands.h"

namespace bulkhead::ctl {
namespace {

// Options without a value, of docker itself and of run and create.
constexpr std::string_view kGlobalFlags[] = {"debug",   "tls", "tlsverify", "help",
                                             "version", "D",   "v"};
constexpr std::string_view kFlags[] = {"detach",      "interactive",    "tty",
                                       "rm",          "privileged",     "init",
                                       "read-only",   "no-healthcheck", "oom-kill-disable",
                                       "publish-all", "sig-proxy",      "disable-content-trust",
                                       "help",        "quiet",          "use-api-socket"};

struct Short {
  char letter;
  std::string_view name;
};
constexpr Short kShort[] = {{'a', "attach"},      {'c', "cpu-shares"}, {'d', "detach"},
                            {'e', "env"},         {'h', "hostname"},   {'i', "interactive"},
                            {'l', "label"},       {'m', "memory"},     {'p', "publish"},
                            {'P', "publish-all"}, {'q', "quiet"},      {'t', "tty"},
                            {'u', "user"},        {'v', "volume"},     {'w', "workdir"}};
// Names that the CLI still takes for another.
constexpr std::pair<std::string_view, std::string_view> kOld[] = {{"net", "network"},
                                                                  {"dns-opt", "dns-option"}};

template <typename List>
bool is_in(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != std::end(list);
}

// The words, taken from the front.
class Reader {
 public:
  explicit Reader(std::span<const std::string> words) : words_(words) {}

  bool is_at_option() const {
    return !words_.empty() && words_.front().size() > 1 && words_.front()[0] == '-' &&
           words_.front() != "--";
  }
  bool is_empty() const { return words_.empty(); }
  std::string take() {
    std::string word = words_.front();
    words_ = words_.subspan(1);
    return word;
  }
  std::vector<std::string> take_rest() {
    std::vector<std::string> rest(words_.begin(), words_.end());
    words_ = {};
    return rest;
  }
  Result<std::string> take_value(std::string_view option) {
    if (words_.empty()) return fail(cat("option --", option, " needs a value"));
    return take();
  }

 private:
  std::span<const std::string> words_;
};

void add(DockerWords& out, std::string_view name, std::string value) {
  for (auto [old, now] : kOld)
    if (name == old) name = now;
  out.options[std::string(name)].push_back(std::move(value));
}

// "--name", "--name=value", "--name value".
Result<> read_long(DockerWords& out, std::string_view word, Reader& words) {
  word.remove_prefix(2);
  auto equals = word.find('=');
  auto name = word.substr(0, equals);
  if (equals != word.npos)
    add(out, name, std::string(word.substr(equals + 1)));
  else if (is_in(kFlags, name))
    add(out, name, "true");
  else
    add(out, name, TRY(words.take_value(name)));
  return {};
}

// "-it", "-v value", "-vvalue", "-v=value": the first option with a value takes the rest.
Result<> read_short(DockerWords& out, std::string_view word, Reader& words) {
  for (word.remove_prefix(1); !word.empty(); word.remove_prefix(1)) {
    auto known = std::ranges::find(kShort, word[0], &Short::letter);
    if (known == std::end(kShort)) return fail(cat("unknown option -", word.substr(0, 1)));
    if (is_in(kFlags, known->name)) {
      add(out, known->name, "true");
      continue;
    }
    word.remove_prefix(1);
    if (word.empty()) {
      add(out, known->name, TRY(words.take_value(known->name)));
    } else {
      if (word[0] == '=') word.remove_prefix(1);
      add(out, known->name, std::string(word));
    }
    return {};
  }
  return {};
}

// docker's own options, before the command.
Result<> skip_global(Reader& words) {
  while (words.is_at_option()) {
    std::string word = words.take();
    std::string_view name(word);
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    if (!name.contains('=') && !is_in(kGlobalFlags, name)) TRY(words.take_value(name));
  }
  return {};
}

Result<std::string> read_command(Reader& words) {
  if (words.is_empty()) return fail("no docker command");
  std::string command = words.take();
  if (policy::is_docker_command(command)) return command;
  if (!policy::is_command_entry(command) || command.ends_with('*'))
    return fail(cat("\"", command, "\" is not a command of the docker CLI"));
  if (words.is_empty()) return fail(cat("\"docker ", command, "\" needs a sub-command"));
  command += cat(" ", words.take());
  if (!policy::is_docker_command(command))
    return fail(cat("\"docker ", command, "\" is no command"));
  return command;
}

}  // namespace

bool DockerWords::makes_container() const {
  return policy::entry_means("container run", command) ||
         policy::entry_means("container create", command);
}

std::string_view DockerWords::image() const {
  return arguments.empty() ? std::string_view() : arguments.front();
}

std::vector<std::string> DockerWords::all(std::string_view option) const {
  auto found = options.find(option);
  return found == options.end() ? std::vector<std::string>() : found->second;
}

bool DockerWords::is_set(std::string_view option) const {
  auto values = all(option);
  return !values.empty() && values.back() != "false" && values.back() != "0";
}

Result<DockerWords> read_docker_words(std::span<const std::string> words) {
  if (!words.empty() && words.front() == "docker") words = words.subspan(1);
  Reader reader(words);
  TRY(skip_global(reader));
  DockerWords out;
  out.command = TRY(read_command(reader));
  if (!out.makes_container()) {
    out.arguments = reader.take_rest();
    return out;
  }
  while (reader.is_at_option()) {
    std::string word = reader.take();
    TRY(word.starts_with("--") ? read_long(out, word, reader) : read_short(out, word, reader));
  }
  out.arguments = reader.take_rest();
  if (!out.arguments.empty() && out.arguments.front() == "--")
    out.arguments.erase(out.arguments.begin());
  if (out.arguments.empty()) return fail(cat("docker ", out.command, ": no image"));
  return out;
}

}  // namespace bulkhead::ctl
