#include "sandbox/host_view_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/mount_info.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::string_view kSourcePrefix = "bulkhead-";

// The container whose view the mount of `top` is; "" for any other mount.
Result<std::string> container_of(BorrowedFd top, const std::string& path) {
  auto mount = TRY(sys::mount_of(top, false));
  if (!mount.type.starts_with("fuse")) return std::string();
  mount = TRY(sys::mount_of(top, true));
  bool ours = mount.type == kHostViewType && mount.mount_point == path &&
              mount.source.starts_with(kSourcePrefix);
  return ours ? mount.source.substr(kSourcePrefix.size()) : std::string();
}

}  // namespace

Result<UniqueFd> mount_host_view(const std::string& path, std::string_view container_id) {
  UniqueFd place = TRY(sys::open_path(path, O_PATH | O_DIRECTORY));
  UniqueFd device = TRY(sys::open_path("/dev/fuse", O_RDWR));
  auto fs = TRY(sys::FsContext::open("fuse"));
  TRY(fs.set("source", cat(kSourcePrefix, container_id).c_str()));
  TRY(fs.set("subtype", "bulkhead"));
  TRY(fs.set("fd", std::to_string(device.get()).c_str()));
  TRY(fs.set("rootmode", "40000"));
  TRY(fs.set("user_id", "0"));
  TRY(fs.set("group_id", "0"));
  TRY(fs.set_flag("allow_other"));  // the keeper lets root in; the kernel alone would look at groups too
  UniqueFd view = TRY(fs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  TRY(sys::attach(view.get(), place.get(), path));
  return device;
}

Result<std::string> host_view_at(const std::string& path) {
  UniqueFd top = TRY(sys::open_path(path, O_PATH | O_DIRECTORY));
  return container_of(top.get(), path);
}

Result<> unmount_host_view(const std::string& path) {
  UniqueFd top = TRY(sys::open_path(path, O_PATH | O_DIRECTORY));
  if (TRY(container_of(top.get(), path)).empty()) return {};
  // By the descriptor, which names this very mount: by path, the second of two who do this at once
  // would unmount the engine's own root. EINVAL: it is unmounted already.
  if (::umount2(cat("/proc/self/fd/", top.get()).c_str(), MNT_DETACH) < 0 && errno != EINVAL)
    return fail_errno(cat("unmount the view at ", path));
  return {};
}

}  // namespace bulkhead::sandbox
