// Kernel facts about the mount API and about which file systems can be idmapped.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

enum { kMoveMountBeneath = 0x200 };

int new_filesystem(const char *type, const char *key, const char *value) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0) return -1;
  if (key && syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0) < 0) return -1;
  if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return -1;
  int tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
  close(fs);
  return tree;
}

int attach(int tree, const char *path) {
  return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

int clone_tree(const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

int idmap(int tree, int userns) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
  return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr);
}

// A detached tree as ground for another mount, which needs 6.15.
static void probe_detached_ground(void) {
  const char *name = "mount onto a detached tree (6.15)";
  int ground = (int)must(name, "tmpfs", new_filesystem("tmpfs", NULL, NULL));
  must(name, "mkdir", mkdirat(ground, "d", 0755));
  int other = (int)must(name, "tmpfs", new_filesystem("tmpfs", NULL, NULL));
  fact_of(name, syscall(SYS_move_mount, other, "", ground, "d", MOVE_MOUNT_F_EMPTY_PATH));
}

static void probe_beneath(void) {
  const char *name = "move_mount BENEATH (6.5)";
  mkdir(kProbeDir "/beneath", 0755);
  must(name, "attach", attach(new_filesystem("tmpfs", NULL, NULL), kProbeDir "/beneath"));
  int under = new_filesystem("tmpfs", NULL, NULL);
  fact_of(name, syscall(SYS_move_mount, under, "", AT_FDCWD, kProbeDir "/beneath", MOVE_MOUNT_F_EMPTY_PATH | kMoveMountBeneath));
}

static void fact_option(const char *name, const char *type, const char *key, const char *value) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0) return fact_of(name, fs);
  fact_of(name, syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
  close(fs);
}

void probe_mount_api(void) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSYMFOLLOW};
  int tree = (int)must("mount_setattr recursive, nosymfollow", "open_tree", clone_tree("/", AT_RECURSIVE));
  fact_of("mount_setattr recursive, nosymfollow", syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr));
  probe_detached_ground();
  probe_beneath();
  fact_option("proc option hidepid by fsconfig", "proc", "hidepid", "invisible");
  fact_option("proc option subset=pid (5.8)", "proc", "subset", "pid");
  fact_option("proc option pidns= (6.17)", "proc", "pidns", "/proc/self/ns/pid");
}

static void probe_one_idmap(const char *type, int userns) {
  char name[100];
  snprintf(name, sizeof name, "idmapped mount of a new %s", type);
  int tree = (int)must(name, "no such file system here", new_filesystem(type, NULL, NULL));
  fact_of(name, idmap(tree, userns));
}

// The disk file system needs more than the flag: ownership as the container and as the host see it.
static void probe_disk_idmap(int userns) {
  const char *name = "idmapped clone of the disk file system (ext4)";
  mkdir(kProbeDir "/disk", 0755);
  int tree = (int)must(name, "open_tree", clone_tree(kProbeDir "/disk", 0));
  must(name, "mount_setattr", idmap(tree, userns));
  struct stat seen, on_disk;
  must(name, "fstat", fstat(tree, &seen));
  must(name, "stat", stat(kProbeDir "/disk", &on_disk));
  fact(name, "yes (root's directory is uid %u through the mount, %u on disk)", seen.st_uid, on_disk.st_uid);
  fact("changing the map of a mount already idmapped", "%s", outcome(idmap(tree, userns)));
  int attached = clone_tree(kProbeDir "/disk", 0);
  must(name, "attach", attach(attached, kProbeDir "/disk"));
  fact("idmapping a mount already attached", "%s", outcome(idmap(attached, userns)));
}

void probe_idmapped_filesystems(void) {
  static const char *const types[] = {"tmpfs", "ramfs", "overlay", "proc", "sysfs", "mqueue", "devpts", "cgroup2", "hugetlbfs", "bpf"};
  int userns = container_userns("idmapped mounts");
  probe_disk_idmap(userns);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(types[i], "overlay") == 0) continue;  // needs layers: probe_overlay.c
    pid_t child = fork();
    if (child == 0) {
      probe_one_idmap(types[i], userns);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
}
