#include "runtime/engine_sockets.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::runtime {
namespace {

constexpr std::string_view kEngines[] = {"dockerd",   "containerd",     "podman",       "crio",
                                         "buildkitd", "bulkhead-guard", "docker-proxy", "cri-dockerd"};

constexpr std::size_t kUnixTableBytes = 16u << 20;

}  // namespace

std::string engine_behind(BorrowedFd socket_file) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{.sun_family = AF_UNIX};
  std::string path = cat("/proc/self/fd/", socket_file);
  memcpy(address.sun_path, path.data(), path.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return errno == EAGAIN ? "a program that does not answer" : "";  // its queue is full
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0) return "";
  auto name = sys::read_file(cat("/proc/", peer.pid, "/comm"), 64);
  if (!name) return "";
  std::string comm(trim(*name));
  return std::ranges::find(kEngines, comm) != std::end(kEngines) ? comm : "";
}

std::vector<std::string> listening_sockets() {
  std::vector<std::string> paths;
  for (const char* name : {"/proc/net/unix", "/proc/1/net/unix"}) {
    auto table = sys::read_file(name, kUnixTableBytes);
    if (!table) continue;
    for (std::string_view line : split(*table, '\n')) {
      // Num: RefCount Protocol Flags Type St Inode Path; Flags: 00010000 listens; Type 0001: stream.
      if (line.find(" 00010000 0001 ") == std::string_view::npos) continue;
      auto at = line.find(" /");
      if (at != std::string_view::npos) paths.emplace_back(line.substr(at + 1));
    }
  }
  std::ranges::sort(paths);
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace bulkhead::runtime
