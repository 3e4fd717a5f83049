// exec and ps.
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/write.h"
#include "runtime/bundle.h"
#include "runtime/command.h"
#include "runtime/foreground.h"
#include "runtime/hooks.h"
#include "runtime/lifecycle.h"
#include "sandbox/console.h"
#include "sandbox/launch.h"
#include "spec/read.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kExecOptions[] = {
    {"process", 'p', "FILE", "process.json; the arguments are then not needed"},
    {"console-socket", 0, "PATH", "unix socket that receives the terminal's master"},
    {"cwd", 0, "DIR", "working directory in the container"},
    {"env", 'e', "VAR=VALUE", "set an environment variable (repeatable)"},
    {"tty", 't', nullptr, "give the process a terminal"},
    {"user", 'u', "UID[:GID]", "numeric user and group"},
    {"additional-gids", 'g', "GID", "supplementary group (repeatable)"},
    {"detach", 'd', nullptr, "do not wait for the process"},
    {"pid-file", 0, "FILE", "write the process's pid to FILE"},
    {"process-label", 0, "LABEL", "SELinux label"},
    {"apparmor", 0, "PROFILE", "AppArmor profile"},
    {"no-new-privs", 0, nullptr, "set no_new_privs"},
    {"cap", 'c', "CAP", "add a capability to the bounding, effective and permitted sets (repeatable)"},
    {"preserve-fds", 0, "N", "pass N more file descriptors (3..) to the process"},
    {"cgroup", 0, "PATH", "accepted; the process joins the container's cgroup"},
    {"ignore-paused", 0, nullptr, "exec into a paused container"},
    {"no-subreaper", 0, nullptr, "accepted; the process is a direct child"},
};
constexpr cli::Option kPsOptions[] = {
    {"format", 'f', "FORMAT", "table (default) or json"},
};

Result<> set_user(const std::string& text, spec::User& user) {
  auto parts = split(text, ':');
  auto uid = parse_decimal<std::uint32_t>(parts[0]);
  auto gid = parts.size() == 2 ? parse_decimal<std::uint32_t>(parts[1]) : std::optional(user.gid);
  if (parts.size() > 2 || !uid || !gid || *uid == UINT32_MAX || *gid == UINT32_MAX)
    return fail(cat("--user ", text, ": must be UID or UID:GID, numeric"));
  user.uid = *uid;
  user.gid = *gid;
  return {};
}

Result<> apply_options(const cli::Parsed& parsed, spec::Process& process) {
  if (parsed.has("cwd")) process.cwd = parsed.get("cwd");
  if (process.cwd.empty() || process.cwd[0] != '/')
    return fail(cat("--cwd \"", process.cwd, "\": must be an absolute path"));
  for (const auto& variable : parsed.all("env")) process.env.push_back(variable);
  if (parsed.has("tty")) process.terminal = true;
  if (parsed.has("user")) TRY(set_user(parsed.get("user"), process.user));
  for (const auto& text : parsed.all("additional-gids")) {
    auto gid = parse_decimal<std::uint32_t>(text);
    if (!gid) return fail(cat("--additional-gids ", text, ": must be a number"));
    process.user.additional_gids.push_back(*gid);
  }
  if (parsed.has("process-label")) process.selinux_label = parsed.get("process-label");
  if (parsed.has("apparmor")) process.apparmor_profile = parsed.get("apparmor");
  if (parsed.has("no-new-privs")) process.no_new_privileges = true;
  if (parsed.has("cap") && !process.capabilities) process.capabilities.emplace();
  for (const auto& capability : parsed.all("cap"))
    for (auto* set : {&process.capabilities->bounding, &process.capabilities->effective,
                      &process.capabilities->permitted})
      set->push_back(capability);
  return {};
}

// The process to run: from --process, or the container's own with the words of the command line.
Result<spec::Process> exec_process(const cli::Parsed& parsed, const spec::Spec& config) {
  spec::Process process;
  if (parsed.has("process")) {
    std::string text = TRY(sys::read_file(parsed.get("process"), limits::kConfigBytes));
    process = TRY_IN(parsed.get("process"), spec::read_process(text));
  } else {
    if (parsed.arguments.size() < 2) return fail("exec: no command given");
    process = *config.process;
    process.terminal = false;
    process.args.assign(parsed.arguments.begin() + 1, parsed.arguments.end());
  }
  TRY(apply_options(parsed, process));
  if (process.args.empty()) return fail("exec: process.args must not be empty");
  return process;
}

// A pty of the container's devpts. The container may have changed what is there: it is taken only
// if it is a ptmx of a devpts.
Result<sandbox::PtyPair> open_container_pty(const State& state, BorrowedFd init) {
  UniqueFd root = TRY(sys::open_path(cat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY));
  TRY(sys::signal_pidfd(init, 0));  // still that process
  UniqueFd devpts = TRY_IN("terminal", sys::open_at2(root.get(), "/dev/pts", O_PATH | O_DIRECTORY,
                                                     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  if (TRY(sys::fs_magic(devpts.get())) != DEVPTS_SUPER_MAGIC)
    return fail("terminal: /dev/pts of the container is not a devpts");
  return sandbox::open_pty(devpts.get());
}

struct Terminal {
  UniqueFd slave, master;  // master: kept for the foreground
};

Result<Terminal> make_terminal(const cli::Parsed& parsed, const State& state, const spec::Process& process,
                               BorrowedFd init) {
  std::string socket_path = parsed.get("console-socket");
  Terminal terminal;
  if (!process.terminal && !socket_path.empty())
    return fail("--console-socket is given, but the process has no terminal");
  if (!process.terminal) return terminal;
  if (socket_path.empty() && parsed.has("detach"))
    return fail("a terminal without --console-socket cannot be detached");
  auto pair = TRY(open_container_pty(state, init));
  if (::fchown(pair.slave.get(), state.ids.uid + process.user.uid, static_cast<gid_t>(-1)) < 0)
    return fail_errno("own the terminal");
  if (process.console_size) {
    winsize size{.ws_row = static_cast<unsigned short>(process.console_size->height),
                 .ws_col = static_cast<unsigned short>(process.console_size->width)};
    ::ioctl(pair.master.get(), TIOCSWINSZ, &size);
  }
  terminal.slave = std::move(pair.slave);
  if (socket_path.empty()) {
    terminal.master = std::move(pair.master);
  } else {
    UniqueFd socket = TRY_IN("--console-socket", sys::connect_unix(socket_path));
    TRY(sys::send_fd(socket.get(), pair.master.get(), "/dev/ptmx"));
  }
  return terminal;
}

void own_stdio(const State& state, const spec::Process& process) {
  for (int fd = 0; fd <= 2; ++fd) {
    struct stat st {};
    if (::fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
      [[maybe_unused]] int ignored = ::fchown(fd, state.ids.uid + process.user.uid, state.ids.gid + process.user.gid);
  }
}

Result<> check_can_exec(const Loaded& container, bool ignore_paused) {
  Status status = TRY(status_of(container.entry, container.state));
  if (status == Status::kPaused && !ignore_paused)
    return fail("cannot exec in a paused container (use --ignore-paused to override)");
  if (status != Status::kRunning && status != Status::kCreated && status != Status::kPaused)
    return fail(cat("cannot exec in a ", name(status), " container"));
  return {};
}

Result<int> run_exec(Context& context, const cli::Parsed& parsed) {
  auto container = TRY(load(context, parsed.arguments[0]));
  const State& state = container.state;
  TRY(check_can_exec(container, parsed.has("ignore-paused")));
  auto config = TRY(container.entry.config());
  auto process = TRY(exec_process(parsed, config));
  auto prepared = TRY(prepare_process(config, process));
  UniqueFd agent = TRY(prepared.filter.has_notify ? connect_agent(config) : Result<UniqueFd>());
  int preserved = TRY(preserved_fds(parsed));
  UniqueFd init = TRY(open_init(state));
  auto terminal = TRY(make_terminal(parsed, state, process, init.get()));
  own_stdio(state, process);
  auto manager = TRY(cgroup::make_manager(state.cgroup));
  auto entrance = TRY(manager->entrance(state.pid));
  auto child = TRY(sandbox::start_exec({.pidfd = init.get(), .process = prepared,
                                        .preserved_fds = preserved, .entrance = entrance}));
  for (const auto& warning : TRY(child.apply_limits(prepared))) log::warn(warning);
  TRY(child.proceed(terminal.slave.get()));
  terminal.slave.reset();
  TRY_IN("exec failed", child.await_ready([&](UniqueFd listener) {
    return send_listener(config, state, agent.get(), listener.get());
  }));
  if (parsed.has("pid-file"))
    TRY(sys::replace_file_at(AT_FDCWD, parsed.get("pid-file"), std::to_string(child.pid()), 0644));
  pid_t pid = child.release();
  if (parsed.has("detach")) return 0;
  auto code = attend(pid, std::move(terminal.master));
  if (!code) ::kill(pid, SIGKILL);  // an exec that failed leaves nothing running
  return code;
}

// `ps` of the host, its lines of our pids only, as runc does.
Result<int> print_table(const std::vector<pid_t>& pids, const std::vector<std::string>& ps_arguments) {
  std::string command = "ps";
  for (const auto& argument : ps_arguments) {
    if (argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-,=_:%") !=
        std::string::npos)
      return fail(cat("ps: unexpected option \"", argument, "\""));
    command += " " + argument;
  }
  FILE* output = ::popen(command.c_str(), "re");
  if (!output) return fail_errno("ps");
  char* line = nullptr;
  std::size_t capacity = 0;
  int column = -1;
  for (bool first = true; ::getline(&line, &capacity, output) > 0; first = false) {
    std::vector<std::string_view> fields;
    for (std::string_view field : split(trim(line), ' '))
      if (!field.empty()) fields.push_back(field);
    if (first) {
      auto found = std::ranges::find(fields, "PID");
      if (found == fields.end()) break;
      column = static_cast<int>(found - fields.begin());
      fputs(line, stdout);
    } else if (column < static_cast<int>(fields.size())) {
      auto pid = parse_decimal<pid_t>(fields[static_cast<std::size_t>(column)]);
      if (pid && std::ranges::find(pids, *pid) != pids.end()) fputs(line, stdout);
    }
  }
  ::free(line);
  ::pclose(output);
  fflush(stdout);
  if (column < 0) return fail("ps: its output has no PID column");
  return 0;
}

Result<int> run_ps(Context& context, const cli::Parsed& parsed) {
  auto container = TRY(load(context, parsed.arguments[0]));
  auto manager = TRY(cgroup::make_manager(container.state.cgroup));
  auto pids = TRY(manager->processes());
  std::ranges::sort(pids);
  std::string format = parsed.get("format");
  if (format == "json") {
    json::Writer out;
    std::string text = std::move(out.value(pids)).take() + "\n";
    fwrite(text.data(), 1, text.size(), stdout);
    fflush(stdout);
    return 0;
  }
  if (!format.empty() && format != "table") return fail(cat("--format ", format, ": must be table or json"));
  std::vector<std::string> arguments(parsed.arguments.begin() + 1, parsed.arguments.end());
  if (arguments.empty()) arguments = {"-ef"};
  return print_table(pids, arguments);
}

constexpr Command kCommands[] = {
    {"exec", "CONTAINER [COMMAND ...]", 1, -1, "run a process in a container", kExecOptions, run_exec},
    {"ps", "CONTAINER [PS OPTIONS]", 1, -1, "show the container's processes", kPsOptions, run_ps},
};

}  // namespace

std::span<const Command> process_commands() { return kCommands; }

}  // namespace bulkhead::runtime
