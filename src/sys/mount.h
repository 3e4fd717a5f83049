// The mount API by file descriptors (5.2, mount_setattr 5.12). A mount that is not attached yet is
// a UniqueFd: closing it dissolves it.
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sys {

// A detached copy of the mount (and with `recursive` of the mounts below) that `object` is on,
// rooted at `object`; `path` is relative to it, "" for itself.
Result<UniqueFd> clone_tree(BorrowedFd object, std::string_view path, bool recursive);

// Attaches a detached tree over `target` (an O_PATH fd); the fd goes on naming its root.
Result<> attach(BorrowedFd tree, BorrowedFd target, std::string_view name);

struct Attributes {
  std::uint64_t set = 0;          // MOUNT_ATTR_*
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;  // MS_PRIVATE, ... or 0
  BorrowedFd user_ns = -1;        // for MOUNT_ATTR_IDMAP
};
Result<> set_attributes(BorrowedFd mount, const Attributes& attributes, bool recursive,
                        std::string_view name);

// Idmaps a detached tree to `user_ns`. EINVAL where a file system of it cannot be idmapped.
Result<> idmap(BorrowedFd tree, BorrowedFd user_ns, bool recursive, std::string_view name);

// A file system being configured (fsopen). Errors carry the kernel's own message from the context.
class FsContext {
 public:
  static Result<FsContext> open(const char* type);
  Result<> set(const char* key, const char* value);
  Result<> set_flag(const char* key);
  Result<> set_fd(const char* key, BorrowedFd fd);
  // Creates the superblock (with the caller's fsuid, namespaces) and a detached mount of it.
  Result<UniqueFd> mount(std::uint64_t attributes);

 private:
  explicit FsContext(UniqueFd fd, const char* type) : fd_(std::move(fd)), type_(type) {}
  std::unexpected<Error> error(std::string_view what) const;
  UniqueFd fd_;
  const char* type_;
};

}  // namespace bulkhead::sys
