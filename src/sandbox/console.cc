#include "sandbox/console.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <memory>

#include "base/strings.h"
#include "sys/file.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

namespace bulkhead::sandbox {

Result<PtyPair> open_pty(BorrowedFd devpts) {
  PtyPair pair;
  // Of this devpts, not of what a container may have mounted over its ptmx (its own FUSE, say).
  pair.master = TRY(sys::open_at2(devpts, "ptmx", O_RDWR | O_NOCTTY,
                                  RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH));
  int unlock = 0;
  if (::ioctl(pair.master.get(), TIOCSPTLCK, &unlock) < 0) return fail_errno("unlock the pty");
  pair.slave.reset(::ioctl(pair.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pair.slave) return fail_errno("open the pty's peer");
  return pair;
}

namespace {

Result<> copy_entry(BorrowedFd from, BorrowedFd to, const std::string& name) {
  struct stat st {};
  if (::fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno(cat("stat ", name));
  if (S_ISDIR(st.st_mode)) {
    if (::mkdirat(to, name.c_str(), 0700) < 0) return fail_errno(cat("mkdir ", name));
    UniqueFd source = TRY(sys::open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    UniqueFd copy = TRY(sys::open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_tree(source.get(), copy.get()));
  } else if (S_ISLNK(st.st_mode)) {
    char target[4097];
    ssize_t size = ::readlinkat(from, name.c_str(), target, sizeof target - 1);
    if (size < 0) return fail_errno(cat("readlink ", name));
    target[size] = '\0';
    if (::symlinkat(target, to, name.c_str()) < 0) return fail_errno(cat("symlink ", name));
  } else if (S_ISREG(st.st_mode)) {
    UniqueFd source = TRY(sys::open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    UniqueFd copy = TRY(sys::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    for (off_t left = st.st_size; left > 0;) {
      ssize_t sent = ::sendfile(copy.get(), source.get(), nullptr, static_cast<std::size_t>(left));
      if (sent < 0) return fail_errno(cat("copy ", name));
      if (sent == 0) break;
      left -= sent;
    }
  } else {
    return {};  // sockets, devices: nothing that a copy could stand for
  }
  if (::fchownat(to, name.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno(cat("chown ", name));
  if (!S_ISLNK(st.st_mode) && ::fchmodat(to, name.c_str(), st.st_mode & 07777, 0) < 0)
    return fail_errno(cat("chmod ", name));
  return {};
}

}  // namespace

Result<> copy_tree(BorrowedFd from, BorrowedFd to) {
  UniqueFd readable = TRY(sys::open_at(from, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(readable.release()), ::closedir);
  if (!entries) return fail_errno("list");
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") TRY(copy_entry(::dirfd(entries.get()), to, name));
  }
  return {};
}

}  // namespace bulkhead::sandbox
