// R5, C05: the x32 table (bit 30 of the number). A kernel without it answers ENOSYS, one with it
// must answer as for the native call.
#include "escape.h"
#define X32 0x40000000L

int main(int argc, char **argv) {
  const char *target = argc > 1 ? argv[1] : "/proc/sys";
  struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};
  say(syscall(X32 | SYS_mount, "none", target, NULL, (long)(MS_REMOUNT | MS_BIND), NULL), "x32.mount_remount");
  say(syscall(X32 | SYS_mount, "tmpfs", "/tmp", "tmpfs", 0L, NULL), "x32.mount_new");
  say(syscall(X32 | SYS_umount2, target, (long)MNT_DETACH), "x32.umount2");
  say(syscall(X32 | SYS_mount_setattr, AT_FDCWD, target, 0L, &attr, sizeof attr), "x32.mount_setattr");
  say(syscall(X32 | SYS_open_tree, AT_FDCWD, target, (long)OPEN_TREE_CLONE), "x32.open_tree");
  say(syscall(X32 | SYS_move_mount, AT_FDCWD, target, AT_FDCWD, "/tmp", 0L), "x32.move_mount");
  say(syscall(X32 | SYS_fspick, AT_FDCWD, target, 0L), "x32.fspick");
  say(syscall(X32 | SYS_pivot_root, "/tmp", "/tmp"), "x32.pivot_root");
  say(syscall(X32 | SYS_bpf, 12L, &attr, sizeof attr), "x32.bpf");
  return 0;
}
