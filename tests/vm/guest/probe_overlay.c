// Kernel facts about an overlay whose layers, the upper one included, are idmapped: DESIGN.md's root file system.
// Layers are named by /proc/self/fd/N, the way that kernels before 6.13 leave.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe.h"

#define kDir kProbeDir "/overlay"

static void make_layers(const char *name) {
  must(name, "layers", system("rm -rf " kDir "; mkdir -p " kDir "/l1 " kDir "/l2/sub " kDir "/up " kDir "/wk " kDir "/mnt && "
                              "cd " kDir " && echo 1 >l1/one && echo 2 >l2/two && echo 3 >l2/gone && chown 33:33 l2/two") == 0 ? 0 : -1);
}

// File-system ids of the container's root, with the capabilities that changing them takes away: the overlay's superblock
// keeps the mounter's credentials, and those must have a place in the upper layer's map.
static int take_container_fsids(void) {
  setfsgid(kHostId);
  setfsuid(kHostId);
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data) < 0) return -1;
  for (int i = 0; i < 2; i++) data[i].effective = data[i].permitted;
  return (int)syscall(SYS_capset, &head, data);
}

typedef struct {
  int lower1, lower2, base;
} Layers;

// Where the layers are while the overlay is made. Before 6.15 the kernel takes only mounts of the caller's mount namespace
// as layers (clone_private_mount checks it), so a detached clone has to be attached somewhere first.
typedef enum { kDetached, kAttached } Place;

static void attach_layers(const char *name, const Layers *layers) {
  must(name, "places", system("mkdir -p " kProbeDir "/places && mount -t tmpfs tmpfs " kProbeDir "/places && mkdir " kProbeDir "/places/1 " kProbeDir
                              "/places/2 " kProbeDir "/places/base"));
  must(name, "attach lower", attach(layers->lower1, kProbeDir "/places/1"));
  must(name, "attach lower", attach(layers->lower2, kProbeDir "/places/2"));
  must(name, "attach base", attach(layers->base, kProbeDir "/places/base"));
}

static Layers idmapped_layers(const char *name, int userns, Place place) {
  Layers layers = {.lower1 = (int)must(name, "open_tree lower", clone_tree(kDir "/l1", 0)),
                   .lower2 = (int)must(name, "open_tree lower", clone_tree(kDir "/l2", 0)),
                   .base = (int)must(name, "open_tree base", clone_tree(kDir, 0))};
  must(name, "idmap lower", idmap(layers.lower1, userns));
  must(name, "idmap lower", idmap(layers.lower2, userns));
  must(name, "idmap base", idmap(layers.base, userns));
  if (place == kAttached) attach_layers(name, &layers);
  return layers;
}

static void option_string(char *out, size_t size, const Layers *layers) {
  int up = openat(layers->base, "up", O_PATH | O_CLOEXEC), wk = openat(layers->base, "wk", O_PATH | O_CLOEXEC);
  snprintf(out, size, "lowerdir=/proc/self/fd/%d:/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", layers->lower1,
           layers->lower2, up, wk);
}

static void mount_overlay(const char *name, int userns, Place place) {
  char options[256];
  make_layers(name);
  Layers layers = idmapped_layers(name, userns, place);
  option_string(options, sizeof options, &layers);
  must(name, "take fsids", take_container_fsids());
  must(name, "mount", mount("overlay", kDir "/mnt", "overlay", 0, options));
  setfsuid(0);
  setfsgid(0);
  // The overlay holds clones of its own: the places are not needed any more.
  if (place == kAttached) must(name, "umount of the places", umount2(kProbeDir "/places", MNT_DETACH));
}

// A number of small deeds done as the container's root on the mounted overlay; the answer is the first that failed.
static const char *deeds_inside(void) {
  struct stat st;
  int fd = open(kDir "/mnt/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return "create";
  if (stat(kDir "/mnt/two", &st) < 0 || st.st_uid != 33) return "lower file's owner";
  if (fchown(fd, 1000, 1000) < 0) return "chown of a new file";
  if (chmod(kDir "/mnt/one", 0600) < 0) return "copy up";
  if (link(kDir "/mnt/two", kDir "/mnt/hard") < 0) return "hard link";
  if (unlink(kDir "/mnt/gone") < 0) return "whiteout";
  if (rename(kDir "/mnt/sub", kDir "/mnt/moved") < 0 && errno != EXDEV) return "rename of a lower directory";
  if (mkdir(kDir "/mnt/made", 0755) < 0) return "mkdir";
  return NULL;
}

static void in_container(int userns, void (*body)(void)) {
  pid_t child = fork();
  if (child == 0) {
    if (enter_userns(userns) < 0) fact("entering the user namespace", "%s", outcome(-1));
    body();
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void report_deeds(void) {
  const char *failed = deeds_inside();
  if (failed)
    fact("overlay on idmapped layers: the container's work on it", "no (%s: %s)", failed, strerrorname_np(errno));
  else
    fact("overlay on idmapped layers: the container's work on it", "yes");
}

void probe_overlay_detached(void) {
  const char *name = "overlay on detached idmapped layers by /proc/self/fd/N, mount(2) (6.15)";
  mount_overlay(name, container_userns(name), kDetached);
  fact(name, "yes");
}

void probe_overlay_idmap(void) {
  const char *name = "overlay on idmapped layers attached in the mounter's namespace, by /proc/self/fd/N, mount(2)";
  int userns = container_userns(name);
  mount_overlay(name, userns, kAttached);
  fact(name, "yes");
  in_container(userns, report_deeds);
  struct stat on_disk, seen;
  must(name, "stat", stat(kDir "/up/new", &on_disk));
  must(name, "stat", stat(kDir "/mnt/new", &seen));
  fact("its new file chowned to 1000 inside", "uid %u on disk, %u through the mount from the host", on_disk.st_uid, seen.st_uid);
  fact("idmapping the overlay itself", "%s", outcome(idmap(clone_tree(kDir "/mnt", 0), userns)));
}

static void report_details(void) {
  // One access entry for user 1234, as setfacl -m u:1234:r writes it (version 2; tag, permissions, id).
  static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xd2, 4, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
                                      16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255};
  // Version 2 file capability: cap_net_raw permitted and effective.
  static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
  const char *file = kDir "/mnt/one";
  unsigned char back[64];
  fact_of("POSIX ACL set on such an overlay", setxattr(file, "system.posix_acl_access", acl, sizeof acl, 0));
  long size = getxattr(file, "system.posix_acl_access", back, sizeof back);
  fact("POSIX ACL read back", "%s", size == sizeof acl && memcmp(acl, back, sizeof acl) == 0 ? "yes" : outcome(size));
  fact_of("file capability set on such an overlay", setxattr(file, "security.capability", capability, sizeof capability, 0));
  fact_of("user xattr on such an overlay", setxattr(file, "user.probe", "x", 1, 0));
  fact("trusted xattr on such an overlay", "%s", outcome(setxattr(file, "trusted.probe", "x", 1, 0)));
  fact("mknod 0:0 (a whiteout) on such an overlay", "%s", outcome(mknod(kDir "/mnt/white", S_IFCHR, 0)));
}

static void probe_unmapped_mounter(int userns) {
  const char *name = "such an overlay mounted with unmapped file-system ids";
  char options[256];
  make_layers(name);
  Layers layers = idmapped_layers(name, userns, kAttached);
  option_string(options, sizeof options, &layers);
  must(name, "mount", mount("overlay", kDir "/mnt", "overlay", 0, options));
  struct statvfs fs;
  statvfs(kDir "/mnt", &fs);
  fact(name, "%s", fs.f_flag & ST_RDONLY ? "becomes read-only" : "stays writable");
}

static void probe_fsconfig_paths(int userns) {
  const char *name = "such an overlay by fsopen, options as /proc/self/fd/N strings";
  char lower[64], up[64], wk[64];
  make_layers(name);
  Layers layers = idmapped_layers(name, userns, kAttached);
  snprintf(lower, sizeof lower, "/proc/self/fd/%d:/proc/self/fd/%d", layers.lower1, layers.lower2);
  snprintf(up, sizeof up, "/proc/self/fd/%d", openat(layers.base, "up", O_PATH | O_CLOEXEC));
  snprintf(wk, sizeof wk, "/proc/self/fd/%d", openat(layers.base, "wk", O_PATH | O_CLOEXEC));
  int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  must(name, "lowerdir", syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "lowerdir", lower, 0));
  must(name, "upperdir", syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "upperdir", up, 0));
  must(name, "workdir", syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "workdir", wk, 0));
  must(name, "take fsids", take_container_fsids());
  must(name, "create", syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  fact_of(name, syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0));
}

// Whether the key is known shows only in the making: before 6.5 an overlay's options are kept unread until then.
static void probe_lowerdir_plus(void) {
  const char *name = "overlay option lowerdir+ as a path (6.8)";
  make_layers(name);
  int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  must(name, "set", syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "lowerdir+", kDir "/l1", 0));
  must(name, "set", syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "lowerdir+", kDir "/l2", 0));
  fact_of(name, syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

static void probe_lowerdir_fd(void) {
  const char *name = "overlay option lowerdir+ as an fd (6.13)";
  make_layers(name);
  int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC), dir = open(kDir "/l1", O_PATH | O_DIRECTORY | O_CLOEXEC);
  fact_of(name, syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "lowerdir+", NULL, dir));
}

static void in_child(void (*body)(int), int userns) {
  pid_t child = fork();
  if (child == 0) {
    body(userns);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

void probe_overlay_details(void) {
  int userns = container_userns("overlay details");
  mount_overlay("overlay details", userns, kAttached);
  in_container(userns, report_details);
  umount2(kDir "/mnt", MNT_DETACH);
  umount2(kProbeDir "/places", MNT_DETACH);
  in_child(probe_unmapped_mounter, userns);
  umount2(kDir "/mnt", MNT_DETACH);
  umount2(kProbeDir "/places", MNT_DETACH);
  in_child(probe_fsconfig_paths, userns);
  probe_lowerdir_plus();
  probe_lowerdir_fd();
}

static void report_nested(void) {
  const char *name = "overlay made in the container on such an overlay";
  const char *options = "lowerdir=" kDir "/mnt/l,upperdir=" kDir "/mnt/u,workdir=" kDir "/mnt/w,userxattr";
  must(name, "unshare", unshare(CLONE_NEWNS));
  mkdir(kDir "/mnt/l", 0755), mkdir(kDir "/mnt/u", 0755), mkdir(kDir "/mnt/w", 0755), mkdir(kDir "/mnt/m", 0755);
  fact_of(name, mount("overlay", kDir "/mnt/m", "overlay", 0, options));
  // What Docker in Docker really does: the inner data root is a volume on the disk, idmapped.
  mkdir(kDir "/volume/l", 0755), mkdir(kDir "/volume/u", 0755), mkdir(kDir "/volume/w", 0755);
  fact_of("overlay made in the container on an idmapped bind of the disk (userxattr)",
          mount("overlay", kDir "/mnt/m", "overlay", 0, "lowerdir=" kDir "/volume/l,upperdir=" kDir "/volume/u,workdir=" kDir "/volume/w,userxattr"));
  fact_of("tmpfs made in the container", mount("tmpfs", kDir "/mnt/m", "tmpfs", 0, NULL));
  fact_of("fuse opened in the container", syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC));
}

void probe_overlay_nested(void) {
  const char *name = "nested overlay";
  int userns = container_userns(name);
  mount_overlay(name, userns, kAttached);
  mkdir(kDir "/volume", 0755);
  int volume = clone_tree(kDir "/volume", 0);
  must(name, "idmap", idmap(volume, userns));
  must(name, "attach", attach(volume, kDir "/volume"));
  in_container(userns, report_nested);
}
