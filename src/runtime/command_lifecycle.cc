// create, start, run, delete, kill.
#include <signal.h>

#include "base/strings.h"
#include "runtime/command.h"
#include "runtime/create.h"
#include "runtime/foreground.h"
#include "runtime/lifecycle.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kCreateOptions[] = {
    {"bundle", 'b', "DIR", "the bundle (default: the working directory)"},
    {"console-socket", 0, "PATH", "unix socket that receives the terminal's master"},
    {"pid-file", 0, "FILE", "write the init's pid to FILE"},
    {"preserve-fds", 0, "N", "pass N more file descriptors (3..) to the process"},
    {"no-new-keyring", 0, nullptr, "keep the caller's session keyring"},
    {"no-pivot", 0, nullptr, "accepted; pivot_root is always used"},
};
constexpr cli::Option kRunOptions[] = {
    {"bundle", 'b', "DIR", "the bundle (default: the working directory)"},
    {"console-socket", 0, "PATH", "unix socket that receives the terminal's master"},
    {"pid-file", 0, "FILE", "write the init's pid to FILE"},
    {"preserve-fds", 0, "N", "pass N more file descriptors (3..) to the process"},
    {"no-new-keyring", 0, nullptr, "keep the caller's session keyring"},
    {"no-pivot", 0, nullptr, "accepted; pivot_root is always used"},
    {"detach", 'd', nullptr, "do not wait for the container"},
    {"keep", 0, nullptr, "do not delete the container when it ends"},
    {"no-subreaper", 0, nullptr, "accepted; the init is a direct child"},
};
constexpr cli::Option kDeleteOptions[] = {
    {"force", 'f', nullptr, "kill the container first if it runs; no error if it does not exist"},
};
constexpr cli::Option kKillOptions[] = {
    {"all", 'a', nullptr, "signal every process of the container"},
};

Result<CreateOptions> create_options(const cli::Parsed& parsed) {
  CreateOptions options{.id = parsed.arguments[0],
                        .bundle = parsed.has("bundle") ? parsed.get("bundle") : ".",
                        .console_socket = parsed.get("console-socket"),
                        .pid_file = parsed.get("pid-file"),
                        .preserved_fds = TRY(preserved_fds(parsed)),
                        .no_new_keyring = parsed.has("no-new-keyring")};
  return options;
}

Result<int> run_create(Context& context, const cli::Parsed& parsed) {
  TRY(create(context, TRY(create_options(parsed)), nullptr));
  return 0;
}

Result<int> run_start(Context& context, const cli::Parsed& parsed) {
  TRY(start(context, parsed.arguments[0]));
  return 0;
}

Result<int> run_run(Context& context, const cli::Parsed& parsed) {
  auto options = TRY(create_options(parsed));
  bool detach = parsed.has("detach");
  UniqueFd master;
  pid_t init = TRY(create(context, options, detach ? nullptr : &master));
  auto started = start(context, options.id);
  if (!started) {
    [[maybe_unused]] auto destroyed = destroy(context, options.id, true);
    return std::unexpected(std::move(started).error());
  }
  if (detach) return 0;
  auto code = attend(init, std::move(master));
  if (!parsed.has("keep")) TRY(destroy(context, options.id, true));
  return code;
}

Result<int> run_delete(Context& context, const cli::Parsed& parsed) {
  TRY(destroy(context, parsed.arguments[0], parsed.has("force")));
  return 0;
}

Result<int> run_kill(Context& context, const cli::Parsed& parsed) {
  std::string wanted = parsed.arguments.size() > 1 ? parsed.arguments[1] : "SIGTERM";
  auto signal = sys::parse_signal(wanted);
  if (!signal) return fail(cat("unknown signal \"", wanted, "\""));
  auto container = TRY(load(context, parsed.arguments[0]));
  auto manager = TRY(cgroup::make_manager(container.state.cgroup));
  if (parsed.has("all")) {
    for (pid_t pid : TRY(manager->processes())) {
      auto pidfd = sys::open_pidfd(pid);
      if (pidfd) [[maybe_unused]] auto sent = sys::signal_pidfd(pidfd->get(), *signal);
    }
    if (*signal == SIGKILL) [[maybe_unused]] auto thawed = manager->freeze(false);
    return 0;
  }
  UniqueFd init = TRY(open_init(container.state));
  TRY(sys::signal_pidfd(init.get(), *signal));
  // A frozen v1 cgroup holds even SIGKILL back until it is thawed.
  if (auto frozen = manager->is_frozen(); *signal == SIGKILL && frozen && *frozen)
    TRY(manager->freeze(false));
  return 0;
}

constexpr Command kCommands[] = {
    {"create", "CONTAINER", 1, 1, "make a container", kCreateOptions, run_create},
    {"start", "CONTAINER", 1, 1, "start the process of a created container", {}, run_start},
    {"run", "CONTAINER", 1, 1, "create, start and wait for a container", kRunOptions, run_run},
    {"delete", "CONTAINER", 1, 1, "remove a container", kDeleteOptions, run_delete},
    {"kill", "CONTAINER [SIGNAL]", 1, 2, "send a signal (default SIGTERM) to the init", kKillOptions, run_kill},
};

}  // namespace

Result<int> preserved_fds(const cli::Parsed& parsed) {
  if (!parsed.has("preserve-fds")) return 0;
  auto count = parse_decimal<unsigned>(parsed.get("preserve-fds"));
  if (!count || *count > 1024) return fail("--preserve-fds: must be 0 to 1024");
  return static_cast<int>(*count);
}

std::span<const Command> lifecycle_commands() { return kCommands; }

}  // namespace bulkhead::runtime
