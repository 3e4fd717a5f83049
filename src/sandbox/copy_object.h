// One file, symbolic link or node copied with everything that belongs to it: data by reference where
// the file system can (FICLONE), holes, owner, mode, times, extended attributes, hard links.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sandbox {

// Copies made of files that have several names: paths relative to the top of the copied tree.
class Links {
 public:
  explicit Links(BorrowedFd top) : top_(top) {}
  // Makes `name` in `into` another name of the file's copy, if there is one; remembers it as `path`
  // otherwise.
  Result<bool> link_or_remember(const struct stat& st, BorrowedFd into, const std::string& name,
                                const std::string& path);

 private:
  BorrowedFd top_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_;
};

// `name` in `from`, which is `st` and no directory, to the same name in `into`. `path`: its place below
// the top. Errors: a file whose data is elsewhere (overlay's metacopy).
Result<> copy_object(BorrowedFd from, const std::string& name, const struct stat& st, BorrowedFd into,
                     const std::string& path, Links& links);

// Owner, mode, times and extended attributes, without overlay's own (trusted.overlay.*). Of a symbolic
// link, its own.
Result<> copy_attributes(BorrowedFd from, const std::string& name, BorrowedFd into, const std::string& as);

}  // namespace bulkhead::sandbox
