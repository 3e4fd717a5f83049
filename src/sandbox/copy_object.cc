#include "sandbox/copy_object.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string_view>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::string_view kOverlayMarks = "trusted.overlay.";

// The xattr calls take paths. One component that is not followed: nothing else can be reached by it.
std::string object_path(BorrowedFd directory, const std::string& name) {
  return cat("/proc/self/fd/", directory, "/", name);
}

Result<> copy_xattr(const std::string& from, const std::string& to, const char* name) {
  std::string value(XATTR_SIZE_MAX, '\0');
  ssize_t size = ::lgetxattr(from.c_str(), name, value.data(), value.size());
  if (size < 0) return fail_errno(cat("read ", name));
  if (::lsetxattr(to.c_str(), name, value.data(), static_cast<std::size_t>(size), 0) < 0)
    return fail_errno(cat("set ", name));
  return {};
}

Result<> copy_xattrs(const std::string& from, const std::string& to) {
  ssize_t size = ::llistxattr(from.c_str(), nullptr, 0);
  if (size == 0 || (size < 0 && errno == ENOTSUP)) return {};
  std::string names(XATTR_LIST_MAX, '\0');
  size = ::llistxattr(from.c_str(), names.data(), names.size());
  if (size < 0) return fail_errno("list extended attributes");
  names.resize(static_cast<std::size_t>(size));
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const char* name = names.c_str() + at;
    if (!std::string_view(name).starts_with(kOverlayMarks)) TRY(copy_xattr(from, to, name));
  }
  return {};
}

// From hole to hole.
Result<> copy_data(BorrowedFd from, BorrowedFd to, off_t size) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  if (::ftruncate(to, size) < 0) return fail_errno("set the size");
  for (off_t at = 0; at < size;) {
    at = ::lseek(from, at, SEEK_DATA);
    if (at < 0 && errno == ENXIO) return {};  // a hole to the end
    off_t end = at < 0 ? -1 : ::lseek(from, at, SEEK_HOLE);
    if (end < 0 || ::lseek(to, at, SEEK_SET) < 0) return fail_errno("seek");
    while (at < end) {
      ssize_t sent = ::sendfile(to, from, &at, static_cast<std::size_t>(end - at));
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return fail_errno("copy");
      if (sent == 0) return {};
    }
  }
  return {};
}

Result<> copy_file(BorrowedFd from, const std::string& name, BorrowedFd into) {
  if (::lgetxattr(object_path(from, name).c_str(), "trusted.overlay.metacopy", nullptr, 0) >= 0)
    return fail("its data is in another layer (metacopy); use a volume");
  UniqueFd source = TRY(sys::open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  UniqueFd copy = TRY(sys::open_at(into, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  struct stat st = TRY(sys::stat_fd(source.get(), name));
  return copy_data(source.get(), copy.get(), st.st_size);
}

Result<> copy_symlink(BorrowedFd from, const std::string& name, BorrowedFd into) {
  char target[PATH_MAX];
  ssize_t size = ::readlinkat(from, name.c_str(), target, sizeof target - 1);
  if (size < 0) return fail_errno("read the symbolic link");
  target[size] = '\0';
  if (::symlinkat(target, into, name.c_str()) < 0) return fail_errno("symlink");
  return {};
}

}  // namespace

Result<bool> Links::link_or_remember(const struct stat& st, BorrowedFd into, const std::string& name,
                                     const std::string& path) {
  if (st.st_nlink < 2) return false;
  auto [first, is_new] = first_.emplace(std::pair{st.st_dev, st.st_ino}, path);
  if (is_new) return false;
  if (::linkat(top_, first->second.c_str(), into, name.c_str(), 0) < 0) return fail_errno("link");
  return true;
}

Result<> copy_object(BorrowedFd from, const std::string& name, const struct stat& st, BorrowedFd into,
                     const std::string& path, Links& links) {
  if (TRY(links.link_or_remember(st, into, name, path))) return {};
  if (S_ISREG(st.st_mode)) {
    TRY(copy_file(from, name, into));
  } else if (S_ISLNK(st.st_mode)) {
    TRY(copy_symlink(from, name, into));
  } else if (::mknodat(into, name.c_str(), st.st_mode & S_IFMT, st.st_rdev) < 0) {
    return fail_errno("mknod");
  }
  return copy_attributes(from, name, into, name);
}

Result<> copy_attributes(BorrowedFd from, const std::string& name, BorrowedFd into, const std::string& as) {
  struct stat st {};
  if (::fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("stat");
  // The owner first: a change of it takes set-id bits and file capabilities away.
  if (::fchownat(into, as.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("chown");
  if (!S_ISLNK(st.st_mode) && ::fchmodat(into, as.c_str(), st.st_mode & 07777, 0) < 0) return fail_errno("chmod");
  TRY(copy_xattrs(object_path(from, name), object_path(into, as)));
  timespec times[2] = {st.st_atim, st.st_mtim};
  if (::utimensat(into, as.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("set times");
  return {};
}

}  // namespace bulkhead::sandbox
