// Reading directories. Not "plus": the attributes that it brings are stale at once with timeouts
// of 0, and every entry would be held for a moment.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "keeper/view.h"

namespace bulkhead::keeper {
namespace {

void opendir(fuse_req_t req, fuse_ino_t number, fuse_file_info* file) {
  View& view = view_of(req);  // the request is gone once it is answered
  Node* node = node_of(req, number);
  if (!node) return;
  UniqueFd fd = reopen(node->fd.get(), node->type, O_RDONLY);
  if (!fd) {
    fuse_reply_err(req, errno);
    return;
  }
  file->fh = static_cast<std::uint64_t>(fd.release());
  if (fuse_reply_open(req, file) < 0) {  // interrupted: no release follows
    close_handle(file);
    return;
  }
  view.nodes.opened(*node);
}

// The directory's own offsets are the entries' offsets. What does not fit is read again by the next
// request, which comes with the offset where this one ended.
void readdir(fuse_req_t req, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file) {
  constexpr std::size_t kHalf = View::kBufferBytes / 2;
  char* entries = view_of(req).buffer();
  char* reply = entries + kHalf;
  size = std::min(size, kHalf);
  int fd = handle_of(file);
  if (offset == 0 || ::lseek(fd, 0, SEEK_CUR) != offset) {
    if (::lseek(fd, offset, SEEK_SET) < 0) {
      fuse_reply_err(req, errno);
      return;
    }
  }
  ssize_t got = ::getdents64(fd, entries, size);
  if (got < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  std::size_t used = 0;
  for (ssize_t at = 0; at < got;) {
    const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
    struct stat st {};
    st.st_ino = entry->d_ino;
    st.st_mode = static_cast<mode_t>(entry->d_type) << 12;
    std::size_t needed =
        fuse_add_direntry(req, reply + used, size - used, entry->d_name, &st, entry->d_off);
    if (needed > size - used) break;
    used += needed;
    at += entry->d_reclen;
  }
  fuse_reply_buf(req, reply, used);
}

void releasedir(fuse_req_t req, fuse_ino_t number, fuse_file_info* file) {
  close_handle(file);
  view_of(req).nodes.released(number);
  fuse_reply_err(req, 0);
}

void fsyncdir(fuse_req_t req, fuse_ino_t, int data_only, fuse_file_info* file) {
  fuse_reply_err(req, code_of(data_only ? ::fdatasync(handle_of(file)) : ::fsync(handle_of(file))));
}

}  // namespace

void add_directory_operations(fuse_lowlevel_ops& ops) {
  ops.opendir = opendir;
  ops.readdir = readdir;
  ops.releasedir = releasedir;
  ops.fsyncdir = fsyncdir;
}

}  // namespace bulkhead::keeper
