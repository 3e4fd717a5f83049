#include "keeper/confine.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/mount.h"

namespace bulkhead::keeper {

Result<> enter_empty_root() {
  UniqueFd own_fds = TRY(sys::open_path("/proc/self/fd", O_PATH | O_DIRECTORY));
  auto tmpfs = TRY(sys::FsContext::open("tmpfs"));
  TRY(tmpfs.set("source", "none"));
  TRY(tmpfs.set("size", "0"));
  TRY(tmpfs.set_flag("ro"));
  UniqueFd empty = TRY(tmpfs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                   MOUNT_ATTR_NOEXEC));
  if (::unshare(CLONE_NEWNS) < 0) return fail_errno("unshare the mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
    return fail_errno("make mounts private");
  UniqueFd root = TRY(sys::open_path("/", O_PATH | O_DIRECTORY));
  TRY(sys::attach(empty.get(), root.get(), "/"));
  if (::fchdir(empty.get()) < 0) return fail_errno("enter the empty root");
  // "." over ".": the old root lies on top of the new one and is then detached.
  if (syscall(SYS_pivot_root, ".", ".") < 0) return fail_errno("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) return fail_errno("detach the host's root");
  if (::fchdir(own_fds.get()) < 0) return fail_errno("enter /proc/self/fd");
  return {};
}

Result<> drop_privileges(sys::CapabilityMask keep) {
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, kBits) < 0) return fail_errno("set secure bits");
  auto own = TRY(sys::own_capabilities());
  sys::CapabilityMask kept = keep & own.permitted;  // a host may lack some: those calls fail then
  if (int code = sys::set_ambient(0); code < 0) return fail_errno("clear ambient capabilities", -code);
  if (int code = sys::drop_bounding(0); code < 0) return fail_errno("drop capabilities", -code);
  sys::CapabilitySets sets{.effective = kept, .permitted = kept};
  if (int code = sys::set_capabilities(sets); code < 0)
    return fail_errno("set capabilities", -code);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("set no_new_privs");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail_errno("become undumpable");
  return {};
}

}  // namespace bulkhead::keeper
