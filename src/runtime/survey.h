// Where objects of the host are: as a path, as an inode, and as a path in their file system, which a
// bind mount or another mount of the same disk does not change.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/facts.h"

namespace bulkhead::runtime {

// The object that `fd` (O_PATH is enough) names, `st` what fstat says of it. Errors: it lies in
// another mount namespace.
Result<plan::Object> describe(BorrowedFd fd, std::string_view spelled, struct stat& st);

// The same for many paths in few directories (the restricted ones, at every container's start): a
// directory is opened and placed once, a name in it costs one statx.
class Survey {
 public:
  // `path` is absolute and clean. What does not exist yet still has a place, below its nearest
  // parent, and inode 0: a container must not get a parent of it to make it there.
  Result<plan::Object> place_of(const std::string& path);

 private:
  struct Directory {
    UniqueFd fd;  // empty: does not exist
    plan::Object object;
    std::uint64_t mount = 0;
  };
  Result<const Directory*> directory(const std::string& path);
  std::map<std::string, Directory> directories_;
};

}  // namespace bulkhead::runtime
