// Attributes, symlink targets and the file system's numbers.
#include <fcntl.h>
#include <limits.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <optional>

#include "keeper/view.h"

namespace bulkhead::keeper {
namespace {

void reply_attributes(fuse_req_t req, const Node& node) {
  struct stat st {};
  if (!view_of(req).attributes(node, st)) {
    fuse_reply_err(req, errno);
    return;
  }
  fuse_reply_attr(req, &st, 0);
}

void getattr(fuse_req_t req, fuse_ino_t number, fuse_file_info*) {
  if (Node* node = node_of(req, number)) reply_attributes(req, *node);
}

// Ids outside the container's range: EINVAL, what chown(2) says for an id that is not mapped.
int set_owner(const View& view, BorrowedFd object, const struct stat& to, int set) {
  auto uid = set & FUSE_SET_ATTR_UID ? view.ids.container_uid(to.st_uid) : std::optional(uid_t(-1));
  auto gid = set & FUSE_SET_ATTR_GID ? view.ids.container_gid(to.st_gid) : std::optional(gid_t(-1));
  if (!uid || !gid) return EINVAL;
  return code_of(::fchownat(object, "", *uid, *gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int set_size(const Node& node, const struct stat& to, const fuse_file_info* file) {
  if (file) return code_of(::ftruncate(handle_of(file), to.st_size));
  // Not truncate(2), which waits for a lease to be given up.
  UniqueFd fd = reopen(node.fd.get(), node.type, O_WRONLY);
  return fd ? code_of(::ftruncate(fd.get(), to.st_size)) : errno;
}

int set_times(BorrowedFd object, const struct stat& to, int set) {
  auto time = [&](int given, int now, const timespec& value) {
    if (set & now) return timespec{0, UTIME_NOW};
    return set & given ? value : timespec{0, UTIME_OMIT};
  };
  timespec times[] = {time(FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, to.st_atim),
                      time(FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, to.st_mtim)};
  return code_of(::utimensat(object, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

void setattr(fuse_req_t req, fuse_ino_t number, struct stat* to, int set, fuse_file_info* file) {
  constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
                         FUSE_SET_ATTR_MTIME_NOW;
  Node* node = node_of(req, number);
  if (!node) return;
  BorrowedFd object = node->fd.get();
  int code = 0;
  // The owner first: a change of it takes the set-id bits away, which the mode may bring back.
  if (set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) code = set_owner(view_of(req), object, *to, set);
  if (code == 0 && set & FUSE_SET_ATTR_MODE)
    code = code_of(::fchmodat(AT_FDCWD, FdPath(object), to->st_mode & 07777, 0));
  if (code == 0 && set & FUSE_SET_ATTR_SIZE) code = set_size(*node, *to, file);
  if (code == 0 && set & kTimes) code = set_times(object, *to, set);
  if (code != 0) {
    fuse_reply_err(req, code);
    return;
  }
  reply_attributes(req, *node);
}

void readlink(fuse_req_t req, fuse_ino_t number) {
  Node* node = node_of(req, number);
  if (!node) return;
  char target[PATH_MAX + 1];
  ssize_t size = ::readlinkat(node->fd.get(), "", target, sizeof target);
  if (size < 0 || size == sizeof target) {
    fuse_reply_err(req, size < 0 ? errno : ENAMETOOLONG);
    return;
  }
  target[size] = '\0';
  fuse_reply_readlink(req, target);
}

void statfs(fuse_req_t req, fuse_ino_t number) {
  Node* node = node_of(req, number);
  if (!node) return;
  struct statvfs numbers {};
  if (::fstatvfs(node->fd.get(), &numbers) < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  fuse_reply_statfs(req, &numbers);
}

}  // namespace

void add_attribute_operations(fuse_lowlevel_ops& ops) {
  ops.getattr = getattr;
  ops.setattr = setattr;
  ops.readlink = readlink;
  ops.statfs = statfs;
}

}  // namespace bulkhead::keeper
