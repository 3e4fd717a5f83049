// Files by (dirfd, relative path). Every fd is close-on-exec.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sys {

// openat(2) with O_CLOEXEC. The error names `path`.
Result<UniqueFd> open_at(BorrowedFd dir, std::string_view path, int flags, mode_t mode = 0);
inline Result<UniqueFd> open_path(std::string_view path, int flags, mode_t mode = 0) {
  return open_at(AT_FDCWD, path, flags, mode);
}

// openat2(2) (5.6) with O_CLOEXEC; `resolve`: RESOLVE_*.
Result<UniqueFd> open_at2(BorrowedFd dir, std::string_view path, std::uint64_t flags,
                          std::uint64_t resolve, mode_t mode = 0);

// The whole file, at most `limit` bytes; a larger one is an error, not cut.
Result<std::string> read_all(BorrowedFd fd, std::size_t limit, std::string_view name);
Result<std::string> read_file(std::string_view path, std::size_t limit);
Result<std::string> read_file_at(BorrowedFd dir, std::string_view path, std::size_t limit);

// One write(2) of the whole text (what /proc, /sys and cgroup files need). Never creates.
Result<> write_file_at(BorrowedFd dir, std::string_view path, std::string_view text);

// Creates or replaces `path` atomically (temporary file, rename) with `mode`.
Result<> replace_file_at(BorrowedFd dir, std::string_view path, std::string_view text, mode_t mode);

// mkdir -p of an absolute host path, missing parts made with `mode`; returns an O_DIRECTORY fd.
Result<UniqueFd> make_directories(std::string_view path, mode_t mode);

// What the kernel says the fd's path is (readlink of /proc/self/fd/N).
Result<std::string> fd_path(BorrowedFd fd);

struct Identity {  // of an inode
  std::uint64_t device = 0, inode = 0;
  bool operator==(const Identity&) const = default;
};

Result<struct stat> stat_fd(BorrowedFd fd, std::string_view name);
inline Identity identity(const struct stat& st) { return {st.st_dev, st.st_ino}; }

// Removes a directory tree below `dir` without following symlinks or leaving the file system.
Result<> remove_tree_at(BorrowedFd dir, std::string_view name);

// Whether the inode is in the directory tree (no symlinks followed). Gives up after `limit` entries
// in all (`seen` counts on) with the answer yes: the caller refuses what it cannot rule out.
bool contains_inode(BorrowedFd directory, Identity inode, std::size_t limit, std::size_t& seen);

// f_type of statfs(2).
Result<std::uint64_t> fs_magic(BorrowedFd fd);

}  // namespace bulkhead::sys
