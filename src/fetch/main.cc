// bulkhead-registry: asks image registries what they serve, for the guard. A process of its own
// because TLS, HTTP and what strangers send do not belong into the guard; without privileges, and
// without a way to the engine.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/options.h"
#include "fetch/confine.h"
#include "fetch/curl_client.h"
#include "fetch/server.h"
#include "policy/policy.h"
#include "registry/resolve.h"
#include "sys/file.h"

namespace bulkhead::fetch {
namespace {

constexpr char kSettingsFile[] = "/etc/bulkhead/admin-settings.json";
constexpr char kCacheDirectory[] = "/var/lib/bulkhead/registry";
constexpr char kUser[] = "bulkhead-registry";

constexpr cli::Option kOptions[] = {
    {"settings", 0, "FILE", "the settings file (default /etc/bulkhead/admin-settings.json)"},
    {"socket-fd", 0, "N", "serve: the connected socket of the guard"},
    {"cache", 0, "DIR", "serve: where answers are kept (default /var/lib/bulkhead/registry)"},
    {"user", 0, "USER", "serve: whom to become, a name or UID:GID (default bulkhead-registry)"},
    {"help", 'h', nullptr, "show this"},
};

constexpr char kUsage[] =
    "usage: bulkhead-registry resolve [options] IMAGE...   print what registries serve, as a pin "
    "file\n"
    "       bulkhead-registry serve [options]              answer the guard\n\n";

// All that is read while the process may still read it.
struct Inputs {
  policy::Registry settings;
  CurlSettings curl;
  registry::ResolveSettings resolve;
  registry::Pins pins;
};

Result<policy::Registry> read_settings(const cli::Parsed& parsed) {
  std::string file = parsed.has("settings") ? parsed.get("settings") : std::string(kSettingsFile);
  auto text = sys::read_file(file, limits::kPolicyBytes);
  if (!text && text.error().code == ENOENT && file == kSettingsFile) return policy::Registry();
  if (!text) return std::unexpected(std::move(text).error().wrap("settings file"));
  return TRY(policy::read_policy(*text, file)).registry;
}

Result<Inputs> read_inputs(const cli::Parsed& parsed) {
  Inputs out{.settings = TRY(read_settings(parsed))};
  const auto& settings = out.settings;
  out.curl = {.certificates = TRY(read_certificates(settings.certificates)),
              .proxy = settings.proxy,
              .no_proxy = settings.no_proxy,
              .timeout_seconds = settings.timeout_seconds};
  out.resolve.architectures = registry::host_architectures();
  for (const auto& [registry, urls] : settings.mirrors)
    for (const auto& url : urls)
      out.resolve.mirrors[registry].push_back(
          TRY_IN("bulkhead.registry.mirrors", registry::parse_url(url)));
  if (const auto& file = settings.credentials_file; !file.empty()) {
    auto text = TRY_IN("credentials", sys::read_file(file, limits::kPolicyBytes));
    out.resolve.credentials = TRY_IN(file, registry::read_credentials(text));
  }
  if (const auto& file = settings.pin_file; !file.empty()) {
    auto text = TRY_IN("pins", sys::read_file(file, limits::kConfigBytes));
    out.pins = TRY_IN(file, registry::read_pins(text));
  }
  TRY(start_curl());
  return out;
}

// ---- resolve ---------------------------------------------------------------------------------

Result<> resolve_images(const cli::Parsed& parsed) {
  if (parsed.arguments.empty()) return fail("which images?");
  auto inputs = TRY(read_inputs(parsed));
  json::Writer out(json::Writer::Style::kPretty);
  out.begin_object().key("images").begin_array();
  for (const auto& image : parsed.arguments) {
    auto reference = TRY_IN(image, images::parse_reference(image));
    CurlClient client(inputs.curl);
    registry::Send send = [&client](const registry::HttpRequest& request) {
      return client.send(request);
    };
    auto resolution = registry::resolve(reference, inputs.resolve, send, nullptr, ::time(nullptr));
    if (!resolution.served) return std::unexpected(std::move(resolution.served).error());
    registry::write(out, *resolution.served);
  }
  std::string text = std::move(out.end_array().end_object()).take() + "\n";
  fwrite(text.data(), 1, text.size(), stdout);
  return fflush(stdout) == 0 ? Result<>() : fail_errno("stdout");
}

// ---- serve -----------------------------------------------------------------------------------

Result<UniqueFd> guard_socket(const cli::Parsed& parsed) {
  auto fd = parse_decimal<int>(parsed.get("socket-fd"));
  int type = 0;
  socklen_t size = sizeof type;
  if (!fd || *fd < 0 || ::getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
      type != SOCK_STREAM)
    return fail("--socket-fd: the number of a connected stream socket is needed");
  ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
  return UniqueFd(*fd);
}

// The cache, given to the user.
Result<UniqueFd> open_cache(const std::string& directory, const User& user) {
  UniqueFd fd = TRY_IN("cache", sys::make_directories(directory, 0700));
  auto st = TRY(sys::stat_fd(fd.get(), directory));
  if (::geteuid() == 0 && st.st_uid != user.uid && ::fchown(fd.get(), user.uid, user.gid) < 0)
    return fail_errno(cat("cache: chown ", directory));
  if (::fchmod(fd.get(), 0700) < 0) return fail_errno(cat("cache: chmod ", directory));
  return fd;
}

Result<> serve(const cli::Parsed& parsed) {
  UniqueFd guard = TRY(guard_socket(parsed));
  auto inputs = TRY(read_inputs(parsed));
  User user{::getuid(), ::getgid()};
  if (::geteuid() == 0)
    user =
        TRY_IN("--user", find_user(parsed.has("user") ? parsed.get("user") : std::string(kUser)));
  std::string directory = parsed.has("cache") ? parsed.get("cache") : std::string(kCacheDirectory);
  UniqueFd cache = TRY(open_cache(directory, user));
  TRY(confine(user, directory));
  registry::DeskSettings desk{inputs.settings.refresh_seconds, inputs.settings.max_age_seconds};
  registry::Desk answers(registry::Cache(std::move(cache)), std::move(inputs.pins), desk);
  Server server(std::move(guard), std::move(answers), inputs.resolve, inputs.curl);
  return server.run();
}

int run(std::span<const std::string> words) {
  std::string usage = cat(kUsage, cli::describe(kOptions));
  std::string command = words.empty() ? std::string() : words.front();
  auto parsed = cli::parse(kOptions, words.empty() ? words : words.subspan(1));
  if (command == "--help" || (parsed && parsed->has("help")))
    return fputs(usage.c_str(), stdout) < 0;
  Result<> done = fail(std::move(usage));
  if (!parsed)
    done = std::unexpected(std::move(parsed).error());
  else if (command == "resolve")
    done = resolve_images(*parsed);
  else if (command == "serve")
    done = serve(*parsed);
  if (done) return 0;
  log::error(cat("bulkhead-registry: ", done.error().message));
  return 1;
}

}  // namespace
}  // namespace bulkhead::fetch

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  std::vector<std::string> words(argv + 1, argv + argc);
  return bulkhead::fetch::run(words);
}
