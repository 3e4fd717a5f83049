// Extended attributes. Values with ids in them are translated (id_shift.h). trusted.* stays out of
// sight and reach: it takes CAP_SYS_ADMIN, which this process does not keep and no process of the
// container has.
#include <linux/limits.h>
#include <sys/xattr.h>

#include "keeper/view.h"

namespace bulkhead::keeper {
namespace {

// What a size query and a read with a buffer of `size` bytes answer.
void reply_value(fuse_req_t req, std::string_view value, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(req, value.size());
  } else if (value.size() > size) {
    fuse_reply_err(req, ERANGE);
  } else {
    fuse_reply_buf(req, value.data(), value.size());
  }
}

void getxattr(fuse_req_t req, fuse_ino_t number, const char* name, std::size_t size) {
  static_assert(View::kBufferBytes >= XATTR_SIZE_MAX);
  View& view = view_of(req);
  Node* node = node_of(req, number);
  if (!node) return;
  FdPath path(node->fd.get());
  // Always the whole value: the translated one can be shorter.
  ssize_t got = ::getxattr(path, name, view.buffer(), XATTR_SIZE_MAX);
  if (got < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  std::string_view value(view.buffer(), static_cast<std::size_t>(got));
  auto kind = xattr_kind(name);
  if (kind == XattrKind::kPlain) return reply_value(req, value, size);
  auto translated = xattr_for_view(kind, value, view.ids);
  if (!translated) {
    fuse_reply_err(req, ENODATA);
    return;
  }
  reply_value(req, *translated, size);
}

void setxattr(fuse_req_t req, fuse_ino_t number, const char* name, const char* data,
              std::size_t size, int flags) {
  View& view = view_of(req);
  Node* node = node_of(req, number);
  if (!node) return;
  FdPath path(node->fd.get());
  auto kind = xattr_kind(name);
  if (kind == XattrKind::kPlain) {
    fuse_reply_err(req, code_of(::setxattr(path, name, data, size, flags)));
    return;
  }
  auto value = xattr_for_container(kind, {data, size}, view.ids);
  fuse_reply_err(req, value ? code_of(::setxattr(path, name, value->data(), value->size(), flags))
                            : EINVAL);
}

void listxattr(fuse_req_t req, fuse_ino_t number, std::size_t size) {
  static_assert(View::kBufferBytes >= XATTR_LIST_MAX);
  View& view = view_of(req);
  Node* node = node_of(req, number);
  if (!node) return;
  FdPath path(node->fd.get());
  ssize_t got = ::listxattr(path, view.buffer(), XATTR_LIST_MAX);
  if (got < 0) {
    fuse_reply_err(req, errno);
    return;
  }
  reply_value(req, {view.buffer(), static_cast<std::size_t>(got)}, size);
}

void removexattr(fuse_req_t req, fuse_ino_t number, const char* name) {
  if (Node* node = node_of(req, number))
    fuse_reply_err(req, code_of(::removexattr(FdPath(node->fd.get()), name)));
}

}  // namespace

void add_xattr_operations(fuse_lowlevel_ops& ops) {
  ops.getxattr = getxattr;
  ops.setxattr = setxattr;
  ops.listxattr = listxattr;
  ops.removexattr = removexattr;
}

}  // namespace bulkhead::keeper
