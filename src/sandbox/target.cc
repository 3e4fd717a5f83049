#include "sandbox/target.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::uint64_t kInRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr int kMaxLinks = 40;  // as the kernel

Result<UniqueFd> make_directory(BorrowedFd root, std::string_view path, int links);

// What the symlink `name` in `parent`, which is `path`, points to, as a path from the root. The kernel
// resolves it, ".." included; only the join is ours.
Result<std::string> link_target(std::string_view path, BorrowedFd parent, const std::string& name,
                                int links) {
  char link[4096];
  ssize_t size = ::readlinkat(parent, name.c_str(), link, sizeof link);
  if (size <= 0 || links >= kMaxLinks)
    return fail(cat(path, " in the container is not what a mount needs there, or leads nowhere"));
  std::string target(link, static_cast<std::size_t>(size));
  if (target[0] == '/') return target;
  return cat(path.substr(0, path.rfind('/')), "/", target);
}

// `path` (a directory entry of `parent`) did not resolve. Either nothing is there, or a symlink to
// nothing, whose target is what has to be made (images have /var/run -> /run without /run).
Result<UniqueFd> make_missing(BorrowedFd root, std::string_view path, BorrowedFd parent,
                              const std::string& name, int links) {
  if (::mkdirat(parent, name.c_str(), 0755) == 0 || errno == EEXIST) {
    auto made = sys::open_at2(parent, name, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
    if (made) return made;
  } else {
    return fail_errno(cat("mkdir ", path, " in the container"));
  }
  return make_directory(root, TRY(link_target(path, parent, name, links)), links + 1);
}

Result<UniqueFd> make_directory(BorrowedFd root, std::string_view path, int links) {
  auto found = sys::open_at2(root, path.empty() ? "/" : path, O_PATH | O_DIRECTORY, kInRoot);
  if (found || found.error().code != ENOENT) return found;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  auto at = path.rfind('/');
  std::string name(path.substr(at + 1));
  UniqueFd parent = TRY(make_directory(root, path.substr(0, at == 0 ? 1 : at), links));
  if (name == "." || name == "..") return sys::open_at2(root, path, O_PATH | O_DIRECTORY, kInRoot);
  return make_missing(root, path, parent.get(), name, links);
}

// A symlink to nothing is followed as the kernel would with O_CREAT: images have /etc/resolv.conf ->
// ../run/systemd/resolve/stub-resolv.conf. mknod, not open: whoever shares the volume could put a
// FIFO there meanwhile, and open would wait for it.
Result<UniqueFd> make_file(BorrowedFd root, std::string_view path, int links) {
  auto found = find_target(root, path);
  if (found || found.error().code != ENOENT) return found;
  std::string name;
  UniqueFd parent = TRY(make_parent(root, path, name));
  if (::mknodat(parent.get(), name.c_str(), S_IFREG | 0644, 0) < 0 && errno != EEXIST)
    return fail_errno(cat("make ", path, " in the container"));
  auto made = sys::open_at2(parent.get(), name, O_PATH, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
  if (made || made.error().code != ELOOP) return made;
  return make_file(root, TRY(link_target(path, parent.get(), name, links)), links + 1);
}

}  // namespace

Result<UniqueFd> find_target(BorrowedFd root, std::string_view path) {
  return sys::open_at2(root, path, O_PATH, kInRoot);
}

Result<> refuse_symlink(BorrowedFd root, std::string_view path) {
  auto found = sys::open_at2(root, path, O_PATH, kInRoot | RESOLVE_NO_SYMLINKS);
  if (!found && found.error().code == ELOOP)
    return fail(cat("mount ", path, ": it is a symbolic link in the container's root"));
  return {};
}

Result<UniqueFd> make_parent(BorrowedFd root, std::string_view path, std::string& name) {
  auto at = path.rfind('/');
  name = path.substr(at + 1);
  return make_directory(root, path.substr(0, at == 0 ? 1 : at), 0);
}

Result<UniqueFd> make_target(BorrowedFd root, std::string_view path, TargetKind kind) {
  if (kind == TargetKind::kDirectory) return make_directory(root, path, 0);
  return make_file(root, path, 0);
}

}  // namespace bulkhead::sandbox
