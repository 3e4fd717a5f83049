// bulkheadctl: what an administrator asks and tells Bulkhead.
#include <signal.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/strings.h"
#include "ctl/command.h"

namespace bulkhead::ctl {
namespace {

template <typename Visit>
void for_each_command(Visit visit) {
  for (auto table : {policy_commands()})
    for (const auto& command : table) visit(command);
}

std::string usage() {
  std::string text = "usage: bulkheadctl COMMAND [options] [arguments]\n\ncommands:\n";
  for_each_command([&](const Command& command) {
    std::string left = cat("  ", command.group, " ", command.name, " ", command.arguments);
    left.resize(std::max<std::size_t>(left.size() + 1, 40), ' ');
    text += cat(left, command.help, "\n");
  });
  return text;
}

Result<int> run_command(const Command& command, std::span<const std::string> words) {
  std::vector<cli::Option> options(command.options.begin(), command.options.end());
  options.push_back({"help", 'h', nullptr, "show this"});
  auto parsed = TRY(cli::parse(options, words));
  if (!parsed.has("help")) return command.run(parsed);
  std::string text = cat("usage: bulkheadctl ", command.group, " ", command.name, " [options] ",
                         command.arguments, "\n\n", command.help, "\n\n", cli::describe(options));
  fputs(text.c_str(), stdout);
  return 0;
}

int run(std::span<const std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    fputs(usage().c_str(), words.empty() ? stderr : stdout);
    return words.empty();
  }
  const Command* found = nullptr;
  for_each_command([&](const Command& command) {
    if (words.size() > 1 && words[0] == command.group && words[1] == command.name) found = &command;
  });
  if (!found) {
    fputs(cat("bulkheadctl: unknown command \"", words[0],
              words.size() > 1 ? cat(" ", words[1]) : std::string(), "\" (see --help)\n")
              .c_str(),
          stderr);
    return 1;
  }
  auto code = run_command(*found, words.subspan(2));
  if (code) return fflush(stdout) == 0 ? *code : 1;
  fputs(cat("bulkheadctl: ", found->group, " ", found->name, ": ", code.error().message, "\n")
            .c_str(),
        stderr);
  return 1;
}

}  // namespace
}  // namespace bulkhead::ctl

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words(argv + 1, argv + argc);
  return bulkhead::ctl::run(words);
}
