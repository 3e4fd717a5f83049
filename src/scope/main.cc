// bulkhead-scope: the systemd cgroup driver's D-Bus side, run by bulkhead. One command, one line of
// answer on standard output ("ok ..." or "error ..."). `start` stays in the new scope, which must
// not be empty, until a byte or the end comes in on standard input.
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/strings.h"
#include "scope/bus.h"

namespace bulkhead::scope {
namespace {

constexpr std::string_view kHelp =
    R"(bulkhead-scope: transient systemd scopes for Bulkhead containers. Run by bulkhead.

usage: bulkhead-scope start --unit NAME.scope --slice NAME.slice [--description TEXT]
                            [--timeout-ms N] [--property NAME=TYPE:VALUE]...
       bulkhead-scope set   --unit NAME.scope [--property NAME=TYPE:VALUE]...
       bulkhead-scope stop  --unit NAME.scope [--timeout-ms N]
       bulkhead-scope --help

start  makes the scope with this process in it, Delegate=yes and accounting on; answers
       "ok CONTROL-GROUP" and stays until a byte or the end of standard input
set    changes properties until the unit goes
stop   stops the unit and forgets its failure; one that is not loaded is no error

TYPE is the D-Bus type: t (number, or max), s, b (true, false), ay (hexadecimal),
a(ss) ("one two;three four"). --timeout-ms bounds the wait for systemd's job (default 30000).
The answer on standard output is one line, "ok ..." or "error MESSAGE"; exit status 0 or 1.
)";

struct Options {
  std::string command, unit, slice, description;
  int timeout_ms = 30000;
  std::vector<Property> properties;
};

Result<> take_option(std::string_view name, std::string_view value, Options& options) {
  if (name == "--unit") options.unit = value;
  else if (name == "--slice") options.slice = value;
  else if (name == "--description") options.description = value;
  else if (name == "--property") options.properties.push_back(TRY(parse_property(value)));
  else if (name == "--timeout-ms") {
    auto number = parse_decimal<int>(value);
    if (!number || *number < 0 || *number > 600000)
      return fail(cat("--timeout-ms ", value, ": not a number from 0 to 600000"));
    options.timeout_ms = *number;
  } else {
    return fail(cat("unknown option ", name, "; see bulkhead-scope --help"));
  }
  return {};
}

Result<Options> parse(int argc, char** argv) {
  Options options;
  if (argc < 2) return fail("no command; see bulkhead-scope --help");
  options.command = argv[1];
  if (options.command != "start" && options.command != "set" && options.command != "stop")
    return fail(cat("unknown command ", options.command, "; see bulkhead-scope --help"));
  for (int i = 2; i < argc; i += 2) {
    if (i + 1 == argc) return fail(cat(argv[i], ": a value is missing"));
    TRY(take_option(argv[i], argv[i + 1], options));
  }
  if (options.unit.empty()) return fail("--unit is missing");
  if (!options.unit.ends_with(".scope")) return fail(cat("--unit ", options.unit, ": not a scope"));
  if (options.command == "start" && options.slice.empty()) return fail("--slice is missing");
  return options;
}

// What makes a scope a container's: its own subtree, accounting, gone when it ends.
std::vector<Property> scope_properties(const Options& options) {
  std::vector<Property> all = {{"Description", "s", options.description},
                               {"Slice", "s", options.slice},
                               {"Delegate", "b", "true"},
                               {"DefaultDependencies", "b", "false"},
                               {"CollectMode", "s", "inactive-or-failed"},
                               {"CPUAccounting", "b", "true"},
                               {"MemoryAccounting", "b", "true"},
                               {"IOAccounting", "b", "true"},
                               {"TasksAccounting", "b", "true"}};
  all.insert(all.end(), options.properties.begin(), options.properties.end());
  return all;
}

Result<std::string> run(const Options& options) {
  Systemd systemd = TRY(Systemd::connect());
  if (options.command == "start")
    return systemd.start(options.unit, getpid(), scope_properties(options), options.timeout_ms);
  if (options.command == "set") TRY(systemd.set(options.unit, options.properties));
  if (options.command == "stop") TRY(systemd.stop(options.unit, options.timeout_ms));
  return std::string();
}

bool answer(std::string line) {
  for (char& c : line)
    if (c == '\n') c = ' ';
  line += '\n';
  return write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

void wait_for_release() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
}

int main_of(int argc, char** argv) {
  if (argc == 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h"))
    return write(STDOUT_FILENO, kHelp.data(), kHelp.size()) < 0 ? 1 : 0;
  signal(SIGPIPE, SIG_IGN);
  auto options = parse(argc, argv);
  auto result = options ? run(*options) : std::unexpected(options.error());
  if (!result) {
    answer(cat("error ", result.error().message));
    return 1;
  }
  if (!answer(cat("ok ", *result))) return 1;
  if (options->command == "start") wait_for_release();
  return 0;
}

}  // namespace
}  // namespace bulkhead::scope

int main(int argc, char** argv) { return bulkhead::scope::main_of(argc, argv); }
