#include "runtime/mount_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "sandbox/namespaces.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace bulkhead::runtime {

Result<PrivateMounts> PrivateMounts::enter() {
  PrivateMounts mounts;
  mounts.root_ = TRY(sys::open_path("/", O_PATH | O_DIRECTORY));
  mounts.directory_ = TRY(sys::open_path(".", O_PATH | O_DIRECTORY));
  UniqueFd host = TRY(sys::open_namespace(0, "mnt"));
  if (::unshare(CLONE_NEWNS) < 0) return fail_errno("unshare the mount namespace (needs CAP_SYS_ADMIN)");
  mounts.host_ = std::move(host);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0)
    return fail_errno("make mounts private");
  return mounts;
}

void PrivateMounts::leave() {
  if (!host_) return;
  if (::setns(host_.get(), CLONE_NEWNS) < 0 || ::fchdir(root_.get()) < 0 || ::chroot(".") < 0 ||
      ::fchdir(directory_.get()) < 0)
    sandbox::abandon("return to the host's mounts");
  host_.reset();
}

}  // namespace bulkhead::runtime
