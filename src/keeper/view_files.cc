// Open files. Flush is left out on purpose: it only means something to network file systems, which
// cannot be an overlay's upper layer; without it a close costs no round trip.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "keeper/view.h"

namespace bulkhead::keeper {
namespace {

// Direct: the page cache of the view would not know of the container's writes.
void hand_out(fuse_file_info* file, UniqueFd fd) {
  file->fh = static_cast<std::uint64_t>(fd.release());
  file->direct_io = 1;
}

void open(fuse_req_t req, fuse_ino_t number, fuse_file_info* file) {
  View& view = view_of(req);  // the request is gone once it is answered
  Node* node = node_of(req, number);
  if (!node) return;
  UniqueFd fd = reopen(node->fd.get(), node->type, file->flags);
  if (!fd) {
    fuse_reply_err(req, errno);
    return;
  }
  hand_out(file, std::move(fd));
  if (fuse_reply_open(req, file) < 0) {  // interrupted: no release follows
    close_handle(file);
    return;
  }
  view.nodes.opened(*node);
}

// A new file, or, where the caller did not ask for O_EXCL, the regular file that the container has
// made meanwhile. O_CREAT alone could open a FIFO. `object`: an O_PATH fd of the same file, whatever
// the name means by now.
UniqueFd create_or_open(const Node& directory, const char* name, mode_t mode, int flags,
                        UniqueFd& object) {
  UniqueFd fd = create_file(directory.fd.get(), name, mode, flags);
  if (fd) {
    object.reset(::openat(AT_FDCWD, FdPath(fd.get()), O_PATH | O_CLOEXEC));
    return fd;
  }
  if (errno != EEXIST || flags & O_EXCL) return fd;
  object = open_name(directory.fd.get(), name);
  struct stat st {};
  if (!object || ::fstatat(object.get(), "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
    return UniqueFd();
  return reopen(object.get(), st.st_mode & S_IFMT, flags);
}

void create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
  View& view = view_of(req);
  Node* directory = node_of(req, parent);
  if (!directory) return;
  int code = view.act_for(req);
  if (code != 0) {
    fuse_reply_err(req, code);
    return;
  }
  UniqueFd object;
  UniqueFd fd = create_or_open(*directory, name, mode, file->flags, object);
  fuse_entry_param entry;
  if (!fd || !view.make_entry(std::move(object), *directory, name, entry)) {
    fuse_reply_err(req, errno);
    return;
  }
  hand_out(file, std::move(fd));
  if (fuse_reply_create(req, &entry, file) < 0) {
    close_handle(file);
    view.nodes.forget(entry.ino, 1);
    return;
  }
  view.nodes.opened(*view.nodes.use(entry.ino));
}

void read(fuse_req_t req, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file) {
  char* buffer = view_of(req).buffer();
  ssize_t got = ::pread(handle_of(file), buffer, std::min(size, View::kBufferBytes), offset);
  if (got < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  fuse_reply_buf(req, buffer, static_cast<std::size_t>(got));
}

void write(fuse_req_t req, fuse_ino_t, const char* data, std::size_t size, off_t offset,
           fuse_file_info* file) {
  ssize_t written = ::pwrite(handle_of(file), data, size, offset);  // at the end for O_APPEND
  if (written < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  fuse_reply_write(req, static_cast<std::size_t>(written));
}

void release(fuse_req_t req, fuse_ino_t number, fuse_file_info* file) {
  close_handle(file);
  view_of(req).nodes.released(number);
  fuse_reply_err(req, 0);
}

void fsync(fuse_req_t req, fuse_ino_t, int data_only, fuse_file_info* file) {
  fuse_reply_err(req, code_of(data_only ? ::fdatasync(handle_of(file)) : ::fsync(handle_of(file))));
}

void fallocate(fuse_req_t req, fuse_ino_t, int mode, off_t offset, off_t length,
               fuse_file_info* file) {
  fuse_reply_err(req, code_of(::fallocate(handle_of(file), mode, offset, length)));
}

void lseek(fuse_req_t req, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
  off_t at = ::lseek(handle_of(file), offset, whence);  // SEEK_DATA, SEEK_HOLE
  if (at < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  fuse_reply_lseek(req, at);
}

}  // namespace

void add_file_operations(fuse_lowlevel_ops& ops) {
  ops.open = open;
  ops.create = create;
  ops.read = read;
  ops.write = write;
  ops.release = release;
  ops.fsync = fsync;
  ops.fallocate = fallocate;
  ops.lseek = lseek;
}

}  // namespace bulkhead::keeper
