#include "keeper/view.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <unistd.h>

namespace bulkhead::keeper {

void View::translate(struct stat& st) const {
  std::uint64_t number = nodes.number_of(st);
  if (number != FUSE_ROOT_ID) st.st_ino = number;
  st.st_uid = ids.view_uid(st.st_uid);
  st.st_gid = ids.view_gid(st.st_gid);
}

bool View::attributes(const Node& node, struct stat& st) const {
  if (::fstatat(node.fd.get(), "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return false;
  translate(st);
  return true;
}

bool View::make_entry(UniqueFd fd, const Node& directory, const char* name, fuse_entry_param& entry) {
  entry = {};  // timeouts 0
  if (!fd || ::fstatat(fd.get(), "", &entry.attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
    return false;
  entry.ino = nodes.hold(std::move(fd), entry.attr, directory, name).number;
  translate(entry.attr);
  return true;
}

bool View::find_entry(const Node& directory, const char* name, fuse_entry_param& entry) {
  entry = {};
  if (!stat_name(directory.fd.get(), name, entry.attr)) return false;
  Node* node = nodes.hold_again(entry.attr, directory, name);
  if (!node) return make_entry(open_name(directory.fd.get(), name), directory, name, entry);
  entry.ino = node->number;
  translate(entry.attr);
  return true;
}

void View::reply_entry(fuse_req_t req, const Node& directory, const char* name) {
  fuse_entry_param entry;
  if (!find_entry(directory, name, entry)) {
    fuse_reply_err(req, errno);
    return;
  }
  if (fuse_reply_entry(req, &entry) < 0) nodes.forget(entry.ino, 1);  // interrupted: not taken
}

Node* node_of(fuse_req_t req, fuse_ino_t number) {
  if (fuse_req_ctx(req)->uid != 0) {
    fuse_reply_err(req, EACCES);
    return nullptr;
  }
  Node* node = view_of(req).nodes.use(number);
  if (!node) fuse_reply_err(req, errno);
  return node;
}

int View::act_for(fuse_req_t req) {
  const fuse_ctx* caller = fuse_req_ctx(req);
  auto uid = ids.container_uid(caller->uid);
  auto gid = ids.container_gid(caller->gid);
  if (!uid || !gid) return EOVERFLOW;
  if (*gid != acting_gid_) {
    ::setfsgid(*gid);
    if (static_cast<gid_t>(::setfsgid(*gid)) != *gid) return EPERM;
    acting_gid_ = *gid;
  }
  if (*uid != acting_uid_) {
    ::setfsuid(*uid);
    if (static_cast<uid_t>(::setfsuid(*uid)) != *uid) return EPERM;
    acting_uid_ = *uid;
  }
  ::umask(caller->umask);
  return 0;
}

char* View::buffer() {
  if (!buffer_) buffer_.reset(new char[kBufferBytes]);  // not make_unique, which would touch it
  return buffer_.get();
}

}  // namespace bulkhead::keeper
