#include "sandbox/target.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::uint64_t kInRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr int kMaxLinks = 40;  // as the kernel

Result<UniqueFd> make_directory(BorrowedFd root, std::string_view path, int links);

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
  char link[4096];
  ssize_t size = ::readlinkat(parent, name.c_str(), link, sizeof link);
  if (size <= 0 || links >= kMaxLinks) return fail(cat(path, " in the container is not a directory"));
  std::string target(link, static_cast<std::size_t>(size));
  if (target[0] != '/') target = cat(path.substr(0, path.rfind('/')), "/", target);
  return make_directory(root, target, links + 1);
}

Result<UniqueFd> make_directory(BorrowedFd root, std::string_view path, int links) {
  auto found = sys::open_at2(root, path.empty() ? "/" : path, O_PATH | O_DIRECTORY, kInRoot);
  if (found || found.error().code != ENOENT) return found;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  auto at = path.rfind('/');
  std::string name(path.substr(at + 1));
  UniqueFd parent = TRY(make_directory(root, path.substr(0, at == 0 ? 1 : at), links));
  return make_missing(root, path, parent.get(), name, links);
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
  auto found = find_target(root, path);
  if (found || found.error().code != ENOENT) return found;
  std::string name;
  UniqueFd parent = TRY(make_parent(root, path, name));
  UniqueFd file(::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return fail_errno(cat("make ", path, " in the container"));
  return find_target(root, path);
}

}  // namespace bulkhead::sandbox
