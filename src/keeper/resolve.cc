#include "keeper/resolve.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string_view>

namespace bulkhead::keeper {
namespace {

// Below the root's mount are those of its data directories (sandbox/data_directory.h), which are the
// container's as well; nobody can add any to the detached tree.
constexpr std::uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// Not O_DIRECT: alignment is a matter between the caller and a page cache, here there are two.
constexpr int kPassedFlags = O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOATIME;
constexpr int kSafely = O_NONBLOCK | O_NOCTTY;

UniqueFd open_beneath(BorrowedFd directory, const char* name, int flags, mode_t mode) {
  if (!is_component(name)) {
    errno = EINVAL;
    return UniqueFd();
  }
  open_how how{.flags = static_cast<std::uint64_t>(flags), .mode = mode, .resolve = kBeneath};
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, directory, name, &how, sizeof how)));
}

}  // namespace

bool is_component(const char* name) {
  std::string_view text = name;
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
}

UniqueFd open_name(BorrowedFd directory, const char* name) {
  return open_beneath(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

// One component: no resolution that RESOLVE_* would stop.
bool stat_name(BorrowedFd directory, const char* name, struct stat& st) {
  if (!is_component(name)) {
    errno = EINVAL;
    return false;
  }
  return ::fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}

UniqueFd reopen(BorrowedFd object, mode_t type, int flags) {
  if (type != S_IFREG && type != S_IFDIR) {
    errno = ENXIO;
    return UniqueFd();
  }
  int kept = (flags & (kPassedFlags | O_TRUNC)) | (type == S_IFDIR ? O_DIRECTORY : 0);
  return UniqueFd(::openat(AT_FDCWD, FdPath(object), kept | kSafely | O_CLOEXEC));
}

UniqueFd create_file(BorrowedFd directory, const char* name, mode_t mode, int flags) {
  int kept = (flags & kPassedFlags) | O_CREAT | O_EXCL | O_NOFOLLOW | kSafely | O_CLOEXEC;
  return open_beneath(directory, name, kept, mode & 07777);
}

}  // namespace bulkhead::keeper
