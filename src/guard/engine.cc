#include "guard/engine.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/limits.h"
#include "base/strings.h"
#include "guard/shape.h"
#include "sys/file.h"

namespace bulkhead::guard {
namespace {

constexpr std::string_view kWayOut = "; set it in the engine's daemon.json and restart the engine";

std::string_view value_of(std::string_view environment, std::string_view name) {
  for (auto entry : split(environment, '\0'))
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return entry.substr(name.size() + 1);
  return {};
}

bool is_same_file(const std::string& a, std::string_view b) {
  struct stat first {}, second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(std::string(b).c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The file that execvp() would find for "runc".
std::string find_runc(std::string_view path) {
  for (auto folder : split(path, ':')) {
    auto candidate = cat(folder, "/runc");
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

Result<> check_buildkit(const EngineSetup& setup, std::string_view version, std::string_view runtime_path) {
  auto major = parse_decimal<unsigned>(version.substr(0, version.find('.')));
  bool reads_variable = major && *major >= 23;
  auto told = reads_variable ? std::string(value_of(setup.environment, "DOCKER_BUILDKIT_RUNC_COMMAND"))
                             : find_runc(value_of(setup.environment, "PATH"));
  if (!told.empty() && is_same_file(told, runtime_path)) return {};
  return fail(cat("the engine's BuildKit would run builds with ", told.empty() ? "runc" : told,
                  " instead of ", runtime_path, "; start dockerd with ",
                  reads_variable ? cat("DOCKER_BUILDKIT_RUNC_COMMAND=", runtime_path)
                                 : std::string("a PATH whose first \"runc\" is a link to it")));
}

Result<> check_entitlements(const json::Object& config) {
  const auto* builder = child_of(config, "builder");
  const auto* entitlements = builder ? child_of(*builder, "entitlements") : nullptr;
  for (std::string_view name : {"network-host", "security-insecure"}) {
    const auto* value = entitlements ? entitlements->if_contains(name) : nullptr;
    if (!value || !value->is_bool() || value->get_bool())
      return fail(cat("builder.entitlements.", name, " must be false", kWayOut));
  }
  return {};
}

Result<> check_hosts(std::string_view command, const json::Object& config) {
  std::vector<std::string> hosts;
  auto words = split(command, '\0');
  for (std::size_t i = 0; i < words.size(); ++i) {
    if ((words[i] == "-H" || words[i] == "--host") && i + 1 < words.size()) hosts.emplace_back(words[i + 1]);
    for (std::string_view joined : {"--host=", "-H="})
      if (words[i].starts_with(joined)) hosts.emplace_back(words[i].substr(joined.size()));
  }
  if (const auto* listed = array_of(config, "hosts"))
    for (const auto& host : *listed)
      if (host.is_string()) hosts.emplace_back(text_of(host));
  for (const auto& host : hosts)
    if (!host.starts_with("unix://"))
      return fail(cat("the engine listens on ", host,
                      ", where clients pass the guard by; leave it its private unix socket only"));
  return {};
}

}  // namespace

Result<> check_info(const json::Object& info, std::string_view runtime) {
  const auto* runtimes = child_of(info, "Runtimes");
  if (!runtimes || !runtimes->contains(runtime))
    return fail(cat("the engine knows no runtime \"", runtime, "\": runtimes.", runtime, kWayOut));
  if (text_of(info, "DefaultRuntime") != runtime)
    return fail(cat("the engine's default runtime is \"", text_of(info, "DefaultRuntime"),
                    "\": default-runtime must be \"", runtime, "\"", kWayOut));
  if (const auto* warnings = array_of(info, "Warnings"))
    for (const auto& warning : *warnings)
      if (warning.is_string() && text_of(warning).find("API is accessible on") != std::string_view::npos)
        return fail(cat("the engine says: ", text_of(warning), "; close that port"));
  return {};
}

std::string config_file_of(std::string_view command) {
  auto words = split(command, '\0');
  constexpr std::string_view kOption = "--config-file";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kOption && i + 1 < words.size()) return std::string(words[i + 1]);
    if (words[i].starts_with(cat(kOption, "="))) return std::string(words[i].substr(kOption.size() + 1));
  }
  return "/etc/docker/daemon.json";
}

Result<> check_setup(const EngineSetup& setup, std::string_view engine_version,
                     std::string_view runtime_path) {
  json::Object config;
  if (!setup.daemon_json.empty()) {
    auto value = TRY_IN("the engine's configuration file", json::parse(setup.daemon_json));
    if (value.is_object()) config = value.get_object();
  }
  TRY(check_hosts(setup.command, config));
  TRY(check_entitlements(config));
  return check_buildkit(setup, engine_version, runtime_path);
}

Result<> check_private(const std::string& socket) {
  struct stat st {};
  if (::stat(socket.c_str(), &st) < 0) return fail_errno(socket);
  bool by_others = st.st_mode & 0002, by_group = (st.st_mode & 0020) && st.st_gid != 0;
  if (st.st_uid == 0 && !by_others && !by_group) return {};
  for (std::string folder = socket; folder.size() > 1;) {
    auto slash = folder.rfind('/');
    folder.erase(slash == 0 ? 1 : slash);
    if (::stat(folder.c_str(), &st) == 0 && st.st_uid == 0 && !(st.st_mode & 0011)) return {};
  }
  return fail(cat("the engine's socket ", socket,
                  " can be reached by others than root, who would pass the guard by; ",
                  "put it into a directory of mode 0700"));
}

bool VerifiedEngine::is_verified(BorrowedFd connection) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!pidfd_ || ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid != pid_)
    return false;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

Result<> VerifiedEngine::verify(BorrowedFd connection, const json::Object& info, std::string_view runtime) {
  ucred peer{};  // of the process that called listen()
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return fail_errno("the engine's process");
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
  if (!pidfd) return fail_errno(cat("the engine's process ", peer.pid));
  TRY(check_info(info, runtime));
  auto folder = cat("/proc/", peer.pid);
  EngineSetup setup{.command = TRY(sys::read_file(folder + "/cmdline", limits::kSmallFileBytes)),
                    .environment = {},
                    .daemon_json = {}};
  if (peer.pid == 1 || setup.command.find("systemd") == 0)
    return fail(
        "the engine's socket is systemd's (docker.socket): disable it and give dockerd -H unix://... of its "
        "own");
  setup.environment = TRY(sys::read_file(folder + "/environ", limits::kSmallFileBytes));
  if (auto text = sys::read_file(config_file_of(setup.command), limits::kSmallFileBytes))
    setup.daemon_json = std::move(*text);
  const auto* ours = child_of(*child_of(info, "Runtimes"), runtime);
  TRY(check_setup(setup, text_of(info, "ServerVersion"), ours ? text_of(*ours, "path") : ""));
  pid_ = peer.pid;
  pidfd_ = std::move(pidfd);
  return {};
}

}  // namespace bulkhead::guard
