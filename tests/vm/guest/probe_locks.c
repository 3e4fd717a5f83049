// Kernel facts about mount locks: init is cloned into its user namespace but stays in the builder's mount namespace; the
// builder builds and pivots; init then unshares its mount namespace, whose copies of the builder's mounts are all locked.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define kRoot kProbeDir "/root"
static const char *const kName = "locked tree: init unshares what the builder pivoted";

static int clear_attribute(const char *path, uint64_t attribute) {
  struct mount_attr attr = {.attr_clr = attribute};
  return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof attr);
}

static int clear_on_clone(const char *path, uint64_t attribute) {
  struct mount_attr attr = {.attr_clr = attribute};
  int tree = clone_tree(path, AT_RECURSIVE);
  if (tree < 0) return -1;
  return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr);
}

static void report_locks(void) {
  fact("locked: umount of a mask", "%s", outcome(umount2("/proc/timer_list", MNT_DETACH)));
  fact("locked: umount of /proc/sys", "%s", outcome(umount2("/proc/sys", MNT_DETACH)));
  fact("locked: umount of /proc whole", "%s", outcome(umount2("/proc", MNT_DETACH)));
  fact("locked: remount,bind,rw of /proc/sys", "%s", outcome(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL)));
  fact("locked: mount_setattr clears read-only", "%s", outcome(clear_attribute("/proc/sys", MOUNT_ATTR_RDONLY)));
  fact("locked: mount_setattr clears it on a clone", "%s", outcome(clear_on_clone("/proc/sys", MOUNT_ATTR_RDONLY)));
  fact("locked: open_tree without RECURSIVE of /proc", "%s", outcome(clone_tree("/proc", 0)));
  fact("locked: bind of /proc, not recursive", "%s", outcome(mount("/proc", "/mnt", NULL, MS_BIND, NULL)));
  fact("locked: move of /proc/sys", "%s", outcome(mount("/proc/sys", "/mnt", NULL, MS_MOVE, NULL)));
  fact("locked: pivot_root off the root", "%s", outcome(syscall(SYS_pivot_root, ".", ".")));
  fact("allowed: recursive bind of /proc", "%s", outcome(mount("/proc", "/mnt", NULL, MS_BIND | MS_REC, NULL)));
  fact("locked: umount of the mask in that copy", "%s", outcome(umount2("/mnt/timer_list", MNT_DETACH)));
  fact("allowed: umount of that copy whole", "%s", outcome(umount2("/mnt", MNT_DETACH)));
  fact("allowed: own tmpfs", "%s", outcome(mount("tmpfs", "/mnt", "tmpfs", 0, NULL)));
  fact("allowed: its remount", "%s", outcome(mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL)));
  fact("allowed: its umount", "%s", outcome(umount2("/mnt", 0)));
  fact("new proc under masks", "%s", outcome(mount("proc", "/mnt", "proc", 0, NULL)));
  fact("new sysfs, /sys whole and writable", "%s", outcome(mount("sysfs", "/mnt", "sysfs", 0, NULL)));
  fact("new cgroup2 in user and cgroup namespace", "%s", outcome(mount("cgroup2", "/mnt", "cgroup2", 0, NULL)));
  fact("new mqueue", "%s", outcome(mount("mqueue", "/mnt", "mqueue", 0, NULL)));
}

static void init_process(int go) {
  char c;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  must(kName, "wait", read(go, &c, 1));
  must(kName, "setresgid", syscall(SYS_setresgid, 0, 0, 0));
  must(kName, "setresuid", syscall(SYS_setresuid, 0, 0, 0));
  fact("init sees the pivoted root before it unshares", "%s", access("/i-am-the-root", F_OK) == 0 ? "yes" : "no");
  // pivot_root moves the root of every process that had the old one, but not a working directory elsewhere in the old tree.
  fact("init's working directory is still in the builder's old tree", "%s", access("bulkhead-probe", F_OK) == 0 ? "yes" : "no");
  must(kName, "unshare", unshare(CLONE_NEWNS));
  must(kName, "chdir", chdir("/"));
  fact("init sees the pivoted root after it unshared", "%s", access("/i-am-the-root", F_OK) == 0 ? "yes" : "no");
  fact(kName, "yes");
  report_locks();
  _exit(0);
}

static pid_t clone_init(int *go) {
  int pipe_fds[2];
  must(kName, "pipe", pipe2(pipe_fds, O_CLOEXEC));
  long flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
  pid_t init = (pid_t)must(kName, "clone without CLONE_NEWNS", syscall(SYS_clone, flags, 0, 0, 0, 0));
  if (init == 0) {
    close(pipe_fds[1]);
    init_process(pipe_fds[0]);
  }
  write_id_maps(init);
  *go = pipe_fds[1];
  return init;
}

static int namespace_of(pid_t pid, const char *kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  return (int)must(kName, path, open(path, O_RDONLY | O_CLOEXEC));
}

// proc belongs to the pid namespace of the caller: a child of it mounts, the mount namespace is shared with us.
static void mount_proc_of(pid_t init) {
  must(kName, "setns pid", setns(namespace_of(init, "pid"), CLONE_NEWPID));
  pid_t child = fork();
  if (child == 0) {
    must(kName, "mount proc", mount("proc", kRoot "/proc", "proc", 0, NULL));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void mount_sysfs_of(pid_t init) {
  int host_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  must(kName, "setns net", setns(namespace_of(init, "net"), CLONE_NEWNET));
  must(kName, "mount sysfs", mount("sysfs", kRoot "/sys", "sysfs", 0, NULL));
  must(kName, "setns net", setns(host_net, CLONE_NEWNET));
}

static void build_root(pid_t init, int masked) {
  mkdir(kRoot, 0755);
  must(kName, "tmpfs", mount("tmpfs", kRoot, "tmpfs", 0, "mode=755"));
  mkdir(kRoot "/proc", 0755), mkdir(kRoot "/sys", 0755), mkdir(kRoot "/mnt", 0755);
  close(open(kRoot "/i-am-the-root", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  mount_proc_of(init);
  mount_sysfs_of(init);
  if (!masked) return;
  must(kName, "mask", mount("/dev/null", kRoot "/proc/timer_list", NULL, MS_BIND, NULL));
  must(kName, "bind", mount(kRoot "/proc/sys", kRoot "/proc/sys", NULL, MS_BIND, NULL));
  must(kName, "read-only", mount(NULL, kRoot "/proc/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

void probe_locked_tree(void) {
  int go;
  must(kName, "chdir", chdir("/var/tmp"));
  pid_t init = clone_init(&go);
  build_root(init, 1);
  must(kName, "chdir", chdir(kRoot));
  must(kName, "pivot_root", syscall(SYS_pivot_root, ".", "."));
  must(kName, "umount old root", umount2(".", MNT_DETACH));
  must(kName, "go", write(go, "k", 1));
  waitpid(init, NULL, 0);
}

// Without any mask the kernel lets the container make its own proc: the masks are what refuses it.
static void bare_init(int go) {
  char c;
  const char *name = "new proc in a container without masks";
  must(name, "wait", read(go, &c, 1));
  must(name, "setresuid", syscall(SYS_setresuid, 0, 0, 0));
  must(name, "unshare", unshare(CLONE_NEWNS));
  fact(name, "%s", outcome(mount("proc", "/mnt", "proc", 0, NULL)));
  _exit(0);
}

void probe_masked_proc(void) {
  int pipe_fds[2];
  must("bare init", "pipe", pipe2(pipe_fds, O_CLOEXEC));
  pid_t init = (pid_t)must("bare init", "clone", syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0));
  if (init == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(pipe_fds[1]);
    bare_init(pipe_fds[0]);
  }
  write_id_maps(init);
  build_root(init, 0);
  must("bare init", "chdir", chdir(kRoot));
  must("bare init", "pivot_root", syscall(SYS_pivot_root, ".", "."));
  must("bare init", "umount", umount2(".", MNT_DETACH));
  must("bare init", "go", write(pipe_fds[1], "k", 1));
  waitpid(init, NULL, 0);
}
