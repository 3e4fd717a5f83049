// What the operations of the host view share. Internal to src/keeper; one file per family of
// operations fills its part of libfuse's table.
#pragma once

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <sys/stat.h>

#include <memory>

#include "base/limits.h"
#include "base/unique_fd.h"
#include "keeper/id_shift.h"
#include "keeper/nodes.h"
#include "keeper/resolve.h"

namespace bulkhead::keeper {

class View {
 public:
  View(UniqueFd root, const struct stat& st, const IdShift& ids)
      : nodes(std::move(root), st, limits::kViewNodes), ids(ids) {}

  // The attributes as the view shows them. False with errno set.
  bool attributes(const Node& node, struct stat& st) const;

  // The entry for the object of `fd` (O_PATH, found under `name` in `directory`); counts a lookup.
  // False with errno set, also when `fd` is empty.
  bool make_entry(UniqueFd fd, const Node& directory, const char* name, fuse_entry_param& entry);

  // The entry of what is now under `name`. Opens nothing when that is held already.
  bool find_entry(const Node& directory, const char* name, fuse_entry_param& entry);

  // Answers with the entry of what is now under `name`, or with errno.
  void reply_entry(fuse_req_t req, const Node& directory, const char* name);

  // Makes what is created belong to the caller of the request: fsuid, fsgid (its ids in the
  // container's range: no others can own anything on an idmapped layer) and umask. 0, or EOVERFLOW
  // for a caller that has no id there.
  int act_for(fuse_req_t req);

  // A buffer for one request's data (kBufferBytes); touched only by those that need it.
  char* buffer();
  static constexpr std::size_t kBufferBytes = 128u << 10;

  NodeTable nodes;
  const IdShift ids;

 private:
  void translate(struct stat& st) const;

  uid_t acting_uid_ = 0;
  gid_t acting_gid_ = 0;
  std::unique_ptr<char[]> buffer_;
};

inline View& view_of(fuse_req_t req) { return *static_cast<View*>(fuse_req_userdata(req)); }

// The node that a request is about; nullptr when that is refused (EACCES) or it must be looked up
// again (ESTALE), which the kernel has been answered then. The one gate: the view is for the host's
// root. Leaving file permissions to the kernel (default_permissions) would let nobody else in
// either, as engines keep these paths to root, but cost a request for the attributes of every
// directory of every path.
Node* node_of(fuse_req_t req, fuse_ino_t number);

// The fd behind an open file or directory.
inline BorrowedFd handle_of(const fuse_file_info* file) { return static_cast<int>(file->fh); }

inline void close_handle(const fuse_file_info* file) { UniqueFd closed(handle_of(file)); }

// errno of a call that returned `result`, 0 when it succeeded.
inline int code_of(long result) { return result < 0 ? errno : 0; }

void add_name_operations(fuse_lowlevel_ops& ops);
void add_attribute_operations(fuse_lowlevel_ops& ops);
void add_file_operations(fuse_lowlevel_ops& ops);
void add_directory_operations(fuse_lowlevel_ops& ops);
void add_xattr_operations(fuse_lowlevel_ops& ops);

}  // namespace bulkhead::keeper
