// Names: looking them up, making and removing what they name.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <unistd.h>

#include "keeper/view.h"

namespace bulkhead::keeper {
namespace {

void lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  if (Node* directory = node_of(req, parent)) view_of(req).reply_entry(req, *directory, name);
}

void forget(fuse_req_t req, fuse_ino_t number, std::uint64_t lookups) {
  view_of(req).nodes.forget(number, lookups);
  fuse_reply_none(req);
}

void forget_multi(fuse_req_t req, std::size_t count, fuse_forget_data* forgets) {
  for (std::size_t i = 0; i < count; ++i)
    view_of(req).nodes.forget(forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(req);
}

// Checks the name, acts for the caller, makes, answers with what is there now under the name. If
// the container has put something else there meanwhile, that is what a path means from then on.
template <typename Make>
void make(fuse_req_t req, fuse_ino_t parent, const char* name, Make make_at) {
  Node* directory = node_of(req, parent);
  if (!directory) return;
  int code = is_component(name) ? view_of(req).act_for(req) : EINVAL;
  if (code == 0) code = code_of(make_at(directory->fd.get()));
  if (code != 0) {
    fuse_reply_err(req, code);
    return;
  }
  view_of(req).reply_entry(req, *directory, name);
}

void mknod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  make(req, parent, name, [&](BorrowedFd at) { return ::mknodat(at, name, mode, device); });
}

void mkdir(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) {
  make(req, parent, name, [&](BorrowedFd at) { return ::mkdirat(at, name, mode); });
}

void symlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) {
  make(req, parent, name, [&](BorrowedFd at) { return ::symlinkat(target, at, name); });
}

void link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char* name) {
  Node* source = node_of(req, number);
  if (!source) return;
  // By the fd's path: AT_EMPTY_PATH would take CAP_DAC_READ_SEARCH.
  make(req, parent, name, [&](BorrowedFd at) {
    return ::linkat(AT_FDCWD, FdPath(source->fd.get()), at, name, AT_SYMLINK_FOLLOW);
  });
}

void remove(fuse_req_t req, fuse_ino_t parent, const char* name, int flags) {
  Node* directory = node_of(req, parent);
  if (!directory) return;
  int code = is_component(name) ? code_of(::unlinkat(directory->fd.get(), name, flags)) : EINVAL;
  fuse_reply_err(req, code);
}

void unlink(fuse_req_t req, fuse_ino_t parent, const char* name) { remove(req, parent, name, 0); }

void rmdir(fuse_req_t req, fuse_ino_t parent, const char* name) {
  remove(req, parent, name, AT_REMOVEDIR);
}

void rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  Node* from = node_of(req, parent);
  Node* to = from ? node_of(req, new_parent) : nullptr;
  if (!to) return;
  // Not RENAME_WHITEOUT: it leaves a device node of the overlay's own making.
  bool known = (flags & ~unsigned{RENAME_NOREPLACE | RENAME_EXCHANGE}) == 0;
  int code = known && is_component(name) && is_component(new_name)
                 ? code_of(::renameat2(from->fd.get(), name, to->fd.get(), new_name, flags))
                 : EINVAL;
  fuse_reply_err(req, code);
}

}  // namespace

void add_name_operations(fuse_lowlevel_ops& ops) {
  ops.lookup = lookup;
  ops.forget = forget;
  ops.forget_multi = forget_multi;
  ops.mknod = mknod;
  ops.mkdir = mkdir;
  ops.symlink = symlink;
  ops.link = link;
  ops.unlink = unlink;
  ops.rmdir = rmdir;
  ops.rename = rename;
}

}  // namespace bulkhead::keeper
