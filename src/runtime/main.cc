// bulkhead: an OCI runtime. Global options, the command table, errors once at the top.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "base/unique_fd.h"
#include "cli/options.h"
#include "runtime/command.h"

#ifndef BULKHEAD_VERSION
#define BULKHEAD_VERSION "0.1.0"
#endif

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kGlobal[] = {
    {"root", 0, "DIR", "directory of the containers' state (default /run/bulkhead/containers)"},
    {"settings", 0, "FILE", "the settings file (default /etc/bulkhead/admin-settings.json)"},
    {"log", 0, "FILE", "write the log to FILE instead of stderr"},
    {"log-format", 0, "FORMAT", "text (default) or json"},
    {"debug", 0, nullptr, "log debug messages"},
    {"systemd-cgroup", 0, nullptr, "use systemd for cgroups; cgroupsPath is slice:prefix:name"},
    {"trace-setup", 0, "FILE", "write the microseconds of each stage of create to FILE"},
    {"rootless", 0, "BOOL", "accepted for other runtimes' callers; bulkhead needs root"},
    {"criu", 0, "PATH", "accepted for other runtimes' callers; checkpoints are not supported"},
    {"help", 'h', nullptr, "show this"},
    {"version", 'v', nullptr, "show the version"},
};

template <typename Visit>
void for_each_command(Visit visit) {
  for (auto table : {lifecycle_commands(), process_commands(), control_commands(), query_commands(),
                     host_commands(), ids_commands()})
    for (const auto& command : table) visit(command);
}

void print(const std::string& text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

void print_help() {
  std::string text = "usage: bulkhead [global options] COMMAND [options] [arguments]\n\ncommands:\n";
  for_each_command([&](const Command& command) {
    std::string left = cat("  ", command.name, " ", command.arguments);
    left.resize(std::max<std::size_t>(left.size() + 1, 34), ' ');
    text += cat(left, command.help, "\n");
  });
  print(text + "\nglobal options:\n" + cli::describe(kGlobal));
}

// With --log the engine reads the file; people and tests read stderr: both get it.
int report(const Error& error) {
  log::error(error.message);
  if (log::to_file()) dprintf(STDERR_FILENO, "%s\n", error.message.c_str());
  return 1;
}

Result<Context> make_context(const cli::Parsed& global) {
  std::string root = global.has("root") ? global.get("root") : cat(kRunDirectory, "/containers");
  Context context{.store = TRY_IN("--root", Store::open(root))};
  if (global.has("settings")) context.settings_file = global.get("settings");
  context.systemd_cgroup = global.has("systemd-cgroup");
  context.trace_file = global.get("trace-setup");
  return context;
}

Result<int> run_command(const Command& command, const cli::Parsed& global,
                        std::span<const std::string> words) {
  std::vector<cli::Option> options(command.options.begin(), command.options.end());
  options.push_back({"help", 'h', nullptr, "show this"});
  auto parsed = TRY_IN(command.name, cli::parse(options, words));
  if (parsed.has("help")) {
    print(cat("usage: bulkhead ", command.name, " [options] ", command.arguments, "\n\n", command.help,
              "\n\n", cli::describe(options)));
    return 0;
  }
  int count = static_cast<int>(parsed.arguments.size());
  if (count < command.min_arguments || (command.max_arguments >= 0 && count > command.max_arguments))
    return fail(cat(command.name, ": expected arguments: ", command.arguments));
  auto context = TRY(make_context(global));
  return command.run(context, parsed);
}

int run(std::span<const std::string> words) {
  auto global = cli::parse(kGlobal, words);
  if (!global) return report(global.error());
  if (global->has("version")) {
    print("bulkhead version " BULKHEAD_VERSION "\nspec: 1.2.0\n");
    return 0;
  }
  if (global->has("help") || global->arguments.empty()) {
    print_help();
    return global->has("help") ? 0 : 1;
  }
  std::string format = global->get("log-format");
  if (!format.empty() && format != "text" && format != "json")
    return report(Error{0, cat("--log-format ", format, ": must be text or json")});
  auto opened = log::open(global->get("log"), format == "json" ? log::Format::kJson : log::Format::kText,
                          global->has("debug"));
  if (!opened) return report(opened.error());
  const Command* found = nullptr;
  for_each_command([&](const Command& command) {
    if (global->arguments[0] == command.name) found = &command;
  });
  if (!found) return report(Error{0, cat("unknown command \"", global->arguments[0], "\" (see --help)")});
  auto code = run_command(*found, *global, std::span(global->arguments).subspan(1));
  return code ? *code : report(code.error());
}

// A caller may have closed stdin, stdout or stderr: the next files to be opened, of the host's, would
// take their numbers and be the container's stdio.
void open_stdio() {
  while (true) {
    UniqueFd fd(::open("/dev/null", O_RDWR));
    if (!fd || fd.get() > STDERR_FILENO) return;
    (void)fd.release();
  }
}

}  // namespace
}  // namespace bulkhead::runtime

int main(int argc, char** argv) {
  bulkhead::runtime::open_stdio();
  signal(SIGCHLD, SIG_DFL);  // inherited as ignored it would make every wait fail
  // A closed log or console pipe is an error to report, not a reason to die half-way.
  signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words(argv + 1, argv + argc);
  return bulkhead::runtime::run(words);
}
