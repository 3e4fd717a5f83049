// bulkhead-guard: stands before the Docker Engine's API socket. Everything that comes through runs
// under our runtime, or is refused with a reason.
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
#include "sys/file.h"
#include "sys/socket.h"

namespace bulkhead::guard {
namespace {

namespace asio = boost::asio;

constexpr cli::Option kOptions[] = {
    {"listen", 'l', "PATH", "a socket for clients; may be given more than once"},
    {"engine", 'e', "PATH", "the engine's private socket"},
    {"settings", 's', "FILE", "the policy (default: /etc/bulkhead/admin-settings.json)"},
    {"runtime", 'r', "NAME", "the engine's name of our runtime (default: bulkhead)"},
    {"group", 'g', "GID", "group of the sockets (default: 0)"},
    {"audit", 'a', "FILE", "the audit log (default: standard error)"},
    {"help", 'h', nullptr, "show this"},
};
constexpr std::string_view kSettings = "/etc/bulkhead/admin-settings.json";

std::string value_or(const cli::Parsed& parsed, const char* option, std::string_view otherwise) {
  return parsed.has(option) ? parsed.get(option) : std::string(otherwise);
}

// A missing file is the default policy; a broken one is an error.
Result<policy::Policy> load_policy(const std::string& file) {
  auto text = sys::read_file(file, limits::kPolicyBytes);
  if (!text && text.error().code == ENOENT) return policy::default_policy();
  if (!text) return std::unexpected(std::move(text).error());
  return policy::read_policy(*text, file);
}

Result<std::shared_ptr<const Environment>> load_environment(const cli::Parsed& options, const HostFiles& host) {
  auto environment = std::make_shared<Environment>();
  environment->settings_file = value_or(options, "settings", kSettings);
  environment->policy = TRY(load_policy(environment->settings_file));
  environment->runtime = value_or(options, "runtime", "bulkhead");
  environment->sockets = environment->policy.engine_sockets;
  environment->sockets.push_back(options.get("engine"));
  for (auto& path : options.all("listen")) environment->sockets.push_back(path);
  environment->host = &host;
  return environment;
}

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// On SIGHUP: a broken file keeps the policy that is there, and says so.
void reload_on_signal(asio::signal_set& signals, Shared& shared, const cli::Parsed& options, const HostFiles& host) {
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) return;
    auto fresh = load_environment(options, host);
    if (fresh)
      shared.environment = std::move(*fresh);
    else
      log::error(cat("bulkhead-guard: the last good policy stays: ", fresh.error().message));
    if (auto audit = Audit::open(options.get("audit"))) shared.audit = std::move(*audit);
    reload_on_signal(signals, shared, options, host);
  });
}

// Before anybody is let in: an engine that is there must be set up as it must be. One that is not
// there yet is looked at when it is first reached.
Result<> check_now(Engine& engine) {
  if (!sys::connect_unix(engine.socket)) {
    log::warn(cat("bulkhead-guard: no engine at ", engine.socket, " yet: requests are refused until there is one"));
    return {};
  }
  Verdict<> verdict;
  asio::co_spawn(
      engine.loop.io,
      [&]() -> asio::awaitable<void> {
        EngineLink link(engine);
        verdict = co_await link.reach();
      },
      asio::detached);
  engine.loop.io.run();
  engine.loop.io.restart();
  if (!verdict) return fail(verdict.error().message);
  return {};
}

Result<> serve_all(const cli::Parsed& options) {
  auto host = host_files();
  auto gid = parse_decimal<gid_t>(value_or(options, "group", "0"));
  if (!gid) return fail("--group: a number is needed");
  if (options.get("engine").empty() || !options.has("listen")) return fail("--engine and --listen are needed");
  auto environment = TRY(load_environment(options, *host));
  auto audit = TRY(Audit::open(options.get("audit")));
  http::Loop loop;
  Engine engine{loop, options.get("engine"), environment->runtime, {}};
  TRY(check_now(engine));
  Shared shared{engine, std::move(environment), std::move(audit)};
  for (const auto& path : options.all("listen")) {
    auto socket = TRY(listen_at({path, *gid}));
    asio::co_spawn(loop.io, accept_clients(shared, std::move(socket), path), asio::detached);
  }
  asio::co_spawn(loop.io, loop.watch_deadlines(), asio::detached);
  asio::signal_set reload(loop.io, SIGHUP), stop(loop.io, SIGTERM, SIGINT);
  reload_on_signal(reload, shared, options, *host);
  stop.async_wait([&](boost::system::error_code, int) { loop.io.stop(); });
  loop.io.run();
  return {};
}

Result<> run(const std::vector<std::string>& words) {
  auto options = TRY(cli::parse(kOptions, words));
  if (options.has("help")) {
    log::write(log::Level::kInfo, cat("usage: bulkhead-guard OPTIONS\n", cli::describe(kOptions)));
    return {};
  }
  ::signal(SIGPIPE, SIG_IGN);  // splice(2) to a closed socket raises it
  raise_file_limit();
  return serve_all(options);
}

}  // namespace
}  // namespace bulkhead::guard

int main(int argc, char** argv) {
  auto done = bulkhead::guard::run(std::vector<std::string>(argv + 1, argv + argc));
  if (done) return 0;
  bulkhead::log::error(bulkhead::cat("bulkhead-guard: ", done.error().message));
  return 1;
}
