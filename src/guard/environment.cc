#include "guard/environment.h"

#include <fcntl.h>

#include "policy/pattern.h"
#include "sys/file.h"

namespace bulkhead::guard {
namespace {

class RealFiles : public HostFiles {
 public:
  HostFile look(std::string_view path) const override {
    if (auto found = open_existing(path)) return std::move(*found);
    // Of what does not exist the engine makes directories: find where they would come to lie.
    std::string head(path), tail;
    while (head.size() > 1) {
      auto slash = head.rfind('/');
      tail.insert(0, head.substr(slash));
      head.erase(slash == 0 ? 1 : slash);
      if (auto parent = open_existing(head))
        return {(parent->path == "/" ? std::string() : parent->path) + tail, std::nullopt};
    }
    return {std::string(path), std::nullopt};
  }

 private:
  static std::optional<HostFile> open_existing(std::string_view path) {
    auto fd = sys::open_path(path, O_PATH);
    if (!fd) return std::nullopt;
    auto st = sys::stat_fd(fd->get(), path);
    auto resolved = sys::fd_path(fd->get());
    if (!st || !resolved) return std::nullopt;
    return HostFile{std::move(*resolved), FileIdentity{st->st_dev, st->st_ino}};
  }
};

}  // namespace

std::unique_ptr<HostFiles> host_files() { return std::make_unique<RealFiles>(); }

const std::string* find_socket(const Environment& environment, const HostFile& file) {
  const auto& state = environment.state_directory;
  if (policy::is_at_or_below(state, file.path) || policy::is_at_or_below(file.path, state)) return &state;
  for (const auto& socket : environment.sockets) {
    auto target = environment.host->look(socket);
    if (policy::is_at_or_below(target.path, file.path)) return &socket;
    if (!file.identity) continue;
    if (target.identity == file.identity) return &socket;
    // The same directory under another name: a bind alias has the same inode.
    for (auto parent = target.path; parent.size() > 1;) {
      auto slash = parent.rfind('/');
      parent.erase(slash == 0 ? 1 : slash);
      if (environment.host->look(parent).identity == file.identity) return &socket;
    }
  }
  return nullptr;
}

}  // namespace bulkhead::guard
