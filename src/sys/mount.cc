#include "sys/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "base/strings.h"

namespace bulkhead::sys {

Result<UniqueFd> clone_tree(BorrowedFd object, std::string_view path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  if (recursive) flags |= AT_RECURSIVE;
  UniqueFd fd(::open_tree(object, std::string(path).c_str(), flags));
  if (!fd) return fail_errno(cat("clone the mount of ", path));
  return fd;
}

Result<> attach(BorrowedFd tree, BorrowedFd target, std::string_view name) {
  if (::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail_errno(cat("attach mount to ", name));
  return {};
}

Result<> set_attributes(BorrowedFd mount, const Attributes& attributes, bool recursive,
                        std::string_view name) {
  mount_attr attr{.attr_set = attributes.set,
                  .attr_clr = attributes.clear,
                  .propagation = attributes.propagation,
                  .userns_fd = attributes.user_ns < 0
                                   ? 0
                                   : static_cast<std::uint64_t>(attributes.user_ns)};
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (::mount_setattr(mount, "", flags, &attr, sizeof attr) < 0)
    return fail_errno(cat("set mount attributes of ", name));
  return {};
}

Result<> idmap(BorrowedFd tree, BorrowedFd user_ns, bool recursive, std::string_view name) {
  auto done = set_attributes(tree, {.set = MOUNT_ATTR_IDMAP, .user_ns = user_ns}, recursive, name);
  if (!done) return std::unexpected(std::move(done).error().wrap("idmapped mount"));
  return {};
}

Result<FsContext> FsContext::open(const char* type) {
  UniqueFd fd(::fsopen(type, FSOPEN_CLOEXEC));
  if (!fd) return fail_errno(cat("fsopen ", type));
  return FsContext(std::move(fd), type);
}

std::unexpected<Error> FsContext::error(std::string_view what) const {
  int code = errno;
  char log[512];
  ssize_t size = ::read(fd_.get(), log, sizeof log);  // "e overlay: reason", one message a read
  Error error = fail_errno(cat("mount ", type_, ": ", what), code).error();
  if (size > 2) error.message += cat(" (", trim({log + 2, static_cast<std::size_t>(size - 2)}), ")");
  return std::unexpected(std::move(error));
}

Result<> FsContext::set(const char* key, const char* value) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key, value, 0) < 0)
    return error(cat("option ", key, "=", value));
  return {};
}

Result<> FsContext::set_flag(const char* key) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) < 0)
    return error(cat("option ", key));
  return {};
}

Result<> FsContext::set_fd(const char* key, BorrowedFd fd) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key, nullptr, fd) < 0)
    return error(cat("option ", key));
  return {};
}

Result<UniqueFd> FsContext::mount(std::uint64_t attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return error("create");
  UniqueFd fd(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!fd) return error("fsmount");
  return fd;
}

}  // namespace bulkhead::sys
