// bulkhead-guard: stands before the Docker Engine's API socket. Everything that comes through runs
// under our runtime, or is refused with a reason.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/options.h"
#include "guard/listener.h"
#include "policy/live.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace bulkhead::guard {
namespace {

namespace asio = boost::asio;

constexpr cli::Option kOptions[] = {
    {"listen", 'l', "PATH", "a socket for clients; may be given more than once"},
    {"engine", 'e', "PATH", "the engine's private socket"},
    {"settings", 's', "FILE", "the policy (default /etc/bulkhead/admin-settings.json)"},
    {"runtime", 'r', "NAME", "the engine's name of our runtime (default bulkhead)"},
    {"group", 'g', "GID", "group of the sockets (default 0)"},
    {"audit", 'a', "FILE", "the audit log (default: standard error)"},
    {"state", 0, "DIR", "where containers' sockets are (default /var/lib/bulkhead/guard)"},
    {"registry", 0, "FILE", "the program that asks registries (default: bulkhead-registry beside this one)"},
    {"registry-option", 0, "WORD", "an option for that program; may be given more than once"},
    {"worker-fd", 0, "N", "used by the program itself"},
    {"help", 'h', nullptr, "show this"},
};
constexpr std::string_view kSettings = "/etc/bulkhead/admin-settings.json";
constexpr std::string_view kState = "/var/lib/bulkhead/guard";

std::string value_or(const cli::Parsed& parsed, const char* option, std::string_view otherwise) {
  return parsed.has(option) ? parsed.get(option) : std::string(otherwise);
}

// Nothing for a file that is not there.
Result<std::optional<std::string>> read_settings(const std::string& file) {
  auto text = sys::read_file(file, limits::kPolicyBytes);
  if (text) return std::optional(std::move(*text));
  if (text.error().code == ENOENT) return std::optional<std::string>();
  return std::unexpected(std::move(text).error());
}

// One worker: everything that serves.
class Worker {
 public:
  explicit Worker(const cli::Parsed& options)
      : options_(options),
        settings_(value_or(options, "settings", kSettings)),
        engine_{loop_, options.get("engine"), value_or(options, "runtime", "bulkhead"), {}},
        registry_(loop_, registry_program(options), registry_options(options, settings_)) {}

  Result<> run(BorrowedFd supervisor_fd) {
    Sockets sockets;
    auto supervisor = TRY(Supervisor::take(supervisor_fd, sockets));
    auto live = TRY(policy::LivePolicy::start(settings_, TRY(read_settings(settings_))));
    auto audit = TRY(Audit::open(options_.get("audit")));
    TRY(check_engine());
    Shared shared{engine_, registry_, nullptr, make_environment(live), std::move(audit)};
    Listeners listeners(shared, supervisor, value_or(options_, "state", kState));
    shared.sockets = &listeners;
    TRY(listeners.open_all(std::move(sockets)));
    asio::co_spawn(loop_.io, loop_.watch_deadlines(), asio::detached);
    asio::co_spawn(loop_.io, listeners.sweep(), asio::detached);
    asio::signal_set reload(loop_.io, SIGHUP), drain(loop_.io, SIGUSR1), stop(loop_.io, SIGTERM, SIGINT);
    reload_on(reload, live, shared);
    drain.async_wait([&](boost::system::error_code, int) { end_with_the_last(listeners); });
    stop.async_wait([&](boost::system::error_code, int) { loop_.io.stop(); });
    TRY(supervisor.ready());
    loop_.io.run();
    return {};
  }

 private:
  static std::string registry_program(const cli::Parsed& options) {
    if (options.has("registry")) return options.get("registry");
    UniqueFd self(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    auto path = sys::fd_path(self.get());
    return path ? path->substr(0, path->rfind('/') + 1) + "bulkhead-registry" : "bulkhead-registry";
  }

  static std::vector<std::string> registry_options(const cli::Parsed& options, const std::string& settings) {
    auto words = options.all("registry-option");
    if (options.has("settings")) words.insert(words.begin(), {"--settings", settings});
    return words;
  }

  std::shared_ptr<const Environment> make_environment(const policy::LivePolicy& live) const {
    auto environment = std::make_shared<Environment>();
    environment->settings_file = settings_;
    environment->policy = live.current();
    environment->runtime = engine_.runtime;
    environment->sockets = environment->policy->engine_sockets;
    environment->sockets.push_back(engine_.socket);
    for (auto& path : options_.all("listen")) environment->sockets.push_back(path);
    environment->state_directory = value_or(options_, "state", kState);
    environment->host = host_.get();
    return environment;
  }

  // Before anybody is let in: an engine that is there must be set up as it must be. One that is not
  // there yet is looked at when it is first reached.
  Result<> check_engine() {
    if (!sys::connect_unix(engine_.socket)) {
      log::warn(cat("bulkhead-guard: no engine at ", engine_.socket,
                    " yet: requests are refused until there is one"));
      return {};
    }
    Verdict<> verdict;
    asio::co_spawn(
        loop_.io,
        [&]() -> asio::awaitable<void> {
          EngineLink link(engine_);
          verdict = co_await link.reach();
        },
        asio::detached);
    loop_.io.run();
    loop_.io.restart();
    if (!verdict) return fail(verdict.error().message);
    return {};
  }

  // A broken file keeps the policy that is there, and says so.
  void reload_on(asio::signal_set& signals, policy::LivePolicy& live, Shared& shared) {
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      auto text = read_settings(settings_);
      auto changed = text ? live.reload(*text) : std::unexpected(text.error());
      if (!changed) log::error(cat("bulkhead-guard: the last good policy stays: ", changed.error().message));
      if (changed && *changed) {
        shared.environment = make_environment(live);
        registry_.restart();
      }
      if (auto audit = Audit::open(options_.get("audit"))) shared.audit = std::move(*audit);
      reload_on(signals, live, shared);
    });
  }

  // Another worker serves from now on.
  void end_with_the_last(Listeners& listeners) {
    listeners.stop_accepting();
    asio::co_spawn(
        loop_.io,
        [this]() -> asio::awaitable<void> {
          asio::steady_timer timer(loop_.io);
          while (connections() > 0) {
            timer.expires_after(std::chrono::milliseconds(200));
            co_await timer.async_wait(asio::use_awaitable);
          }
          loop_.io.stop();
        },
        asio::detached);
  }

  const cli::Parsed& options_;
  std::string settings_;
  std::unique_ptr<HostFiles> host_ = host_files();
  http::Loop loop_;
  Engine engine_;
  RegistryClient registry_;
};

// Binds what clients connect to, and stays.
Result<> start(const cli::Parsed& options, const std::vector<std::string>& words) {
  auto gid = parse_decimal<gid_t>(value_or(options, "group", "0"));
  if (!gid) return fail("--group: a number is needed");
  if (options.get("engine").empty() || !options.has("listen"))
    return fail("--engine and --listen are needed");
  Sockets sockets;
  for (const auto& path : options.all("listen")) sockets[path] = TRY(listen_at({path, *gid}));
  return supervise(std::move(sockets), words);
}

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<> run(std::vector<std::string> words) {
  auto options = TRY(cli::parse(kOptions, std::span(words).subspan(1)));
  if (options.has("help")) {
    log::write(log::Level::kInfo, cat("usage: bulkhead-guard OPTIONS\n", cli::describe(kOptions)));
    return {};
  }
  ::signal(SIGPIPE, SIG_IGN);  // splice(2) to a closed socket raises it
  raise_file_limit();
  if (!options.has("worker-fd")) {
    UniqueFd self(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    words[0] = TRY(sys::fd_path(self.get()));  // a new file at this path is what SIGUSR2 starts
    return start(options, words);
  }
  ::signal(SIGCHLD, SIG_IGN);  // bulkhead-registry leaves no zombie; its socket tells of its end
  auto fd = parse_decimal<int>(options.get("worker-fd"));
  if (!fd) return fail("--worker-fd: a number is needed");
  return Worker(options).run(*fd);
}

}  // namespace
}  // namespace bulkhead::guard

int main(int argc, char** argv) {
  auto done = bulkhead::guard::run(std::vector<std::string>(argv, argv + argc));
  if (done) return 0;
  bulkhead::log::error(bulkhead::cat("bulkhead-guard: ", done.error().message));
  return 1;
}
