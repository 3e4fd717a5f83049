// How objects of the container are reached: always from an O_PATH fd, never by a path.
//
// The working directory is /proc/self/fd (enter_empty_root), so that FdPath(fd) names the object of
// an O_PATH fd for calls that take no fd (*xattr, linkat without CAP_DAC_READ_SEARCH) and reopens
// it. The kernel jumps to that very object: nothing is resolved again, a symlink is not followed.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <charconv>

#include "base/unique_fd.h"

namespace bulkhead::keeper {

class FdPath {
 public:
  explicit FdPath(BorrowedFd fd) { *std::to_chars(text_, text_ + sizeof text_ - 1, fd).ptr = '\0'; }
  operator const char*() const { return text_; }

 private:
  char text_[16];
};

// One component, neither "." nor "..": what the kernel sends, checked again.
bool is_component(const char* name);

// An O_PATH fd of a name in a directory: beneath it, a symlink not followed. Empty
// with errno set.
UniqueFd open_name(BorrowedFd directory, const char* name);

// The attributes of the same. False with errno set.
bool stat_name(BorrowedFd directory, const char* name, struct stat& st);

// Opens the object of an O_PATH fd: regular files and directories only, never blocking (EAGAIN
// where a process of the container holds a lease). Of `flags` the access mode and the status flags
// that make sense here. Empty with errno set.
UniqueFd reopen(BorrowedFd object, mode_t type, int flags);

// A new regular file; with EEXIST for anything that is there.
UniqueFd create_file(BorrowedFd directory, const char* name, mode_t mode, int flags);

}  // namespace bulkhead::keeper
