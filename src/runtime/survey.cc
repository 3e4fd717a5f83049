#include "runtime/survey.h"

#include <fcntl.h>

#include <algorithm>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/mount_info.h"

namespace bulkhead::runtime {
namespace {

std::string join_path(std::string_view directory, std::string_view rest) {
  if (rest.empty()) return std::string(directory);
  return directory == "/" ? cat("/", rest) : cat(directory, "/", rest);
}

// The place in its file system: the mount's root and what the path says below its mount point.
Result<> place(BorrowedFd fd, plan::Object& object) {
  auto found = sys::mount_of(fd, false);
  if (!found && found.error().code == ENOENT)  // through /proc/PID/root, say
    return fail(cat(object.path, " lies in another mount namespace"));
  auto mount = TRY(std::move(found));
  std::string_view rest = object.path;
  rest.remove_prefix(std::min(rest.size(), mount.mount_point == "/" ? 1 : mount.mount_point.size()));
  while (rest.starts_with('/')) rest.remove_prefix(1);
  object.fs_device = mount.device;
  object.fs_path = join_path(mount.root, rest);
  object.fs_type = mount.type;
  return {};
}

// What lies in a directory under a name, as far as the directory's own place says.
plan::Object below(const plan::Object& directory, std::string_view name, const std::string& spelled) {
  return {.spelled = spelled,
          .path = join_path(directory.path, name),
          .fs_device = directory.fs_device,
          .fs_path = join_path(directory.fs_path, name),
          .fs_type = directory.fs_type};
}

struct Split {
  std::string directory, name;
};

Split split_last(const std::string& path) {
  auto at = path.rfind('/');
  return {at == 0 ? "/" : path.substr(0, at), path.substr(at + 1)};
}

}  // namespace

Result<plan::Object> describe(BorrowedFd fd, std::string_view spelled, struct stat& st) {
  plan::Object object{.spelled = std::string(spelled), .path = TRY(sys::fd_path(fd))};
  st = TRY(sys::stat_fd(fd, spelled));
  object.device = st.st_dev;
  object.inode = st.st_ino;
  TRY(place(fd, object));
  return object;
}

Result<const Survey::Directory*> Survey::directory(const std::string& path) {
  if (auto known = directories_.find(path); known != directories_.end()) return &known->second;
  Directory made;
  auto fd = sys::open_path(path, O_PATH | O_DIRECTORY);
  if (fd) {
    struct stat st {};
    made.object = TRY(describe(fd->get(), path, st));
    auto itself = TRY(sys::look_at(fd->get(), ""));
    made.mount = itself ? itself->mount : 0;
    made.fd = std::move(*fd);
  } else if (path == "/") {
    return std::unexpected(fd.error());
  } else {
    auto [parent, name] = split_last(path);
    const Directory* outer = TRY(directory(parent));
    made.object = below(outer->object, name, path);
  }
  return &directories_.emplace(path, std::move(made)).first->second;
}

Result<plan::Object> Survey::place_of(const std::string& path) {
  auto [parent, name] = split_last(path);
  struct stat st {};
  if (!name.empty()) {
    const Directory* outer = TRY(directory(parent));
    plan::Object object = below(outer->object, name, path);
    if (!outer->fd) return object;
    auto found = TRY(sys::look_at(outer->fd.get(), name.c_str()));
    if (!found) return object;
    // A symlink and a mount point are elsewhere than the directory says.
    if (found->type != S_IFLNK && found->mount == outer->mount) {
      object.device = found->device;
      object.inode = found->inode;
      return object;
    }
  }
  auto fd = sys::open_path(path, O_PATH);
  if (fd) return describe(fd->get(), path, st);
  if (name.empty()) return std::unexpected(fd.error());
  return below(TRY(directory(parent))->object, name, path);  // a symlink to nothing
}

}  // namespace bulkhead::runtime
