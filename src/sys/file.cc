#include "sys/file.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <memory>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::sys {

Result<UniqueFd> open_at(BorrowedFd dir, std::string_view path, int flags, mode_t mode) {
  UniqueFd fd(::openat(dir, std::string(path).c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno(cat("open ", path));
  return fd;
}

Result<UniqueFd> open_at2(BorrowedFd dir, std::string_view path, std::uint64_t flags,
                          std::uint64_t resolve, mode_t mode) {
  open_how how{.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
  std::string name(path);
  while (true) {
    UniqueFd fd(static_cast<int>(syscall(SYS_openat2, dir, name.c_str(), &how, sizeof how)));
    if (fd) return fd;
    // RESOLVE_IN_ROOT answers EAGAIN when a rename raced with ".."; it is safe to try again.
    if (errno != EAGAIN && errno != EINTR) return fail_errno(cat("open ", path));
  }
}

Result<std::string> read_all(BorrowedFd fd, std::size_t limit, std::string_view name) {
  std::string text;
  std::size_t used = 0;
  while (true) {
    if (used == text.size()) text.resize(text.empty() ? 4096 : text.size() * 2);
    ssize_t got = ::read(fd, text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(cat("read ", name));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > limit) return fail(cat(name, ": larger than the limit of ", limit, " bytes"));
  }
  text.resize(used);
  return text;
}

Result<std::string> read_file_at(BorrowedFd dir, std::string_view path, std::size_t limit) {
  UniqueFd fd = TRY(open_at(dir, path, O_RDONLY));
  return read_all(fd.get(), limit, path);
}

Result<std::string> read_file(std::string_view path, std::size_t limit) {
  return read_file_at(AT_FDCWD, path, limit);
}

Result<> write_file_at(BorrowedFd dir, std::string_view path, std::string_view text) {
  UniqueFd fd = TRY(open_at(dir, path, O_WRONLY));
  ssize_t written;
  do written = ::write(fd.get(), text.data(), text.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) return fail_errno(cat("write \"", trim(text), "\" to ", path));
  if (static_cast<std::size_t>(written) != text.size())
    return fail(cat("write to ", path, ": only ", written, " bytes were taken"));
  return {};
}

Result<> replace_file_at(BorrowedFd dir, std::string_view path, std::string_view text,
                         mode_t mode) {
  std::string temporary = cat(path, ".", getpid(), ".tmp");
  UniqueFd fd = TRY(open_at(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
  auto undo = [&](std::unexpected<Error> error) {
    ::unlinkat(dir, temporary.c_str(), 0);
    return error;
  };
  for (std::string_view rest = text; !rest.empty();) {
    ssize_t written = ::write(fd.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return undo(fail_errno(cat("write ", path)));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::renameat(dir, temporary.c_str(), dir, std::string(path).c_str()) < 0)
    return undo(fail_errno(cat("rename to ", path)));
  return {};
}

Result<UniqueFd> make_directories(std::string_view path, mode_t mode) {
  std::string name(path);
  if (UniqueFd fd{::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)}; fd)
    return open_path(path, O_RDONLY | O_DIRECTORY);
  for (std::size_t at = 1; at != std::string::npos;) {
    at = name.find('/', at);
    std::string part = name.substr(0, at);
    if (::mkdir(part.c_str(), mode) < 0 && errno != EEXIST) return fail_errno(cat("mkdir ", part));
    if (at != std::string::npos) ++at;
  }
  return open_path(path, O_RDONLY | O_DIRECTORY);
}

Result<std::string> fd_path(BorrowedFd fd) {
  std::string link = cat("/proc/self/fd/", fd);
  std::string target(4096, '\0');
  ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  if (size < 0) return fail_errno(cat("readlink ", link));
  if (static_cast<std::size_t>(size) == target.size()) return fail(cat(link, ": path too long"));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<struct stat> stat_fd(BorrowedFd fd, std::string_view name) {
  struct stat st {};
  if (::fstat(fd, &st) < 0) return fail_errno(cat("stat ", name));
  return st;
}

Result<> remove_tree_at(BorrowedFd dir, std::string_view name) {
  std::string path(name);
  if (::unlinkat(dir, path.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno(cat("unlink ", name));
  UniqueFd child(::openat(dir, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!child) return fail_errno(cat("open ", name));
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(child.get()), ::closedir);
  if (!entries) return fail_errno(cat("list ", name));
  BorrowedFd directory = child.release();  // the stream's now
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string_view entry_name = entry->d_name;
    if (entry_name == "." || entry_name == "..") continue;
    TRY(remove_tree_at(directory, entry_name));
  }
  if (::unlinkat(dir, path.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
    return fail_errno(cat("rmdir ", name));
  return {};
}

bool contains_inode(BorrowedFd directory, Identity inode, std::size_t limit, std::size_t& seen) {
  int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return true;
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
  if (!entries) return true;
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (++seen > limit) return true;
    struct stat st {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (identity(st) == inode) return true;
    if (!S_ISDIR(st.st_mode)) continue;
    UniqueFd child(::openat(::dirfd(entries.get()), entry->d_name,
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (child && contains_inode(child.get(), inode, limit, seen)) return true;
  }
  return false;
}

Result<std::uint64_t> fs_magic(BorrowedFd fd) {
  struct statfs fs {};
  if (::fstatfs(fd, &fs) < 0) return fail_errno("statfs");
  return static_cast<std::uint64_t>(fs.f_type);
}

}  // namespace bulkhead::sys
