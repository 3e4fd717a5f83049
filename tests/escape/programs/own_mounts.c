// R5, the other half: mounts that the container makes itself can be remounted, moved and unmounted
// freely, by both interfaces. Also built with -m32.
#include "escape.h"

static void print_mount(const char *point) {
  FILE *file = fopen("/proc/self/mounts", "re");
  char line[2048], at[512], type[64], options[1024];
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "%*s %511s %63s %1023s", at, type, options) == 3 && !strcmp(at, point))
      printf("options:%s %s %s\n", point, type, options);
  if (file) fclose(file);
}

static void own_tmpfs(void) {
  mkdir("/root/tmpfs", 0700);
  if (say(do_mount("tmpfs", "/root/tmpfs", "tmpfs", 0, NULL), "tmpfs.mount") < 0) return;
  say(do_mount("none", "/root/tmpfs", NULL, MS_REMOUNT | MS_RDONLY, NULL), "tmpfs.remount_ro");
  print_mount("/root/tmpfs");
  say(mkdir("/root/tmpfs/x", 0700), "tmpfs.write_when_ro");
  say(do_mount("none", "/root/tmpfs", NULL, MS_REMOUNT, NULL), "tmpfs.remount_rw");
  say(mkdir("/root/tmpfs/x", 0700), "tmpfs.write_when_rw");
  say(do_umount("/root/tmpfs", 0), "tmpfs.umount");
}

static void own_bind(void) {
  mkdir("/root/from", 0700);
  mkdir("/root/to", 0700);
  if (say(do_mount("/root/from", "/root/to", NULL, MS_BIND, NULL), "bind.mount") < 0) return;
  // The root's nodev is locked in every copy; the rest is the container's to choose.
  say(do_mount("none", "/root/to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL), "bind.remount_ro");
  say(mkdir("/root/to/x", 0700), "bind.write_when_ro");
  say(do_mount("none", "/root/to", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL), "bind.remount_rw");
  say(mkdir("/root/to/x", 0700), "bind.write_when_rw");
  rmdir("/root/to/x");
  mkdir("/root/moved", 0700);
  say(do_mount("/root/to", "/root/moved", NULL, MS_MOVE, NULL), "bind.move");
  say(do_umount("/root/moved", 0), "bind.umount");
}

static void own_by_fd(void) {
  int fs = (int)syscall(SYS_fsopen, "tmpfs", 1);
  if (fs < 0) return (void)say(fs, "fd.fsopen");
  say(syscall(SYS_fsconfig, fs, FSCONFIG_CREATE_, NULL, NULL, 0), "fd.create");
  int mount = (int)syscall(SYS_fsmount, fs, 1, 0);
  mkdir("/root/fd", 0700);
  say(syscall(SYS_move_mount, mount, "", AT_FDCWD, "/root/fd", MOVE_MOUNT_F_EMPTY_PATH), "fd.move_mount");
  say(set_attr(AT_FDCWD, "/root/fd", 0, MOUNT_ATTR_RDONLY, 0), "fd.setattr_ro");
  say(set_attr(AT_FDCWD, "/root/fd", 0, 0, MOUNT_ATTR_RDONLY), "fd.setattr_rw");
  say(do_umount("/root/fd", MNT_DETACH), "fd.umount");
}

int main(void) {
  own_tmpfs();
  own_bind();
  own_by_fd();
  return 0;
}
