// Kernel facts that need no mounts: system calls, pidfd, cgroup v2, seccomp, time namespaces; and the probes' common part.
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

// Newer than the headers of Debian 12.
enum { kSysFchmodat2 = 452, kSysStatmount = 457, kSysListmount = 458, kSysOpenTreeAttr = 467 };
enum { kSeccompTsyncEsrch = 1 << 4, kSeccompWaitKillable = 1 << 5 };
#define kIoctlNotifSetFlags _IOW('!', 4, uint64_t)
#define kIoctlPidfdGetInfo _IOWR(0xFF, 11, char[64])

void fact(const char *name, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  dprintf(1, "fact %s: %s\n", name, line);
}

const char *outcome(long result) { return result < 0 ? strerrorname_np(errno) : "ok"; }

void fact_of(const char *name, long result) {
  if (result < 0)
    fact(name, "no (%s)", strerrorname_np(errno));
  else
    fact(name, "yes");
}

// For calls made to fail: "yes" when they failed as a kernel that knows the feature does.
static void fact_errno(const char *name, int wanted) {
  if (errno == wanted)
    fact(name, "yes");
  else
    fact(name, "no (%s)", strerrorname_np(errno));
}

long must(const char *name, const char *what, long result) {
  if (result >= 0) return result;
  fact(name, "no (%s: %s)", what, strerrorname_np(errno));
  _exit(0);
}

static void write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fact(path, "not written (%s)", strerrorname_np(errno));
  if (fd >= 0) close(fd);
}

void write_id_maps(pid_t child) {
  char path[64], map[32];
  snprintf(map, sizeof map, "0 %d 65536\n", kHostId);
  snprintf(path, sizeof path, "/proc/%d/uid_map", child);
  write_text(path, map);
  snprintf(path, sizeof path, "/proc/%d/gid_map", child);
  write_text(path, map);
}

int container_userns(const char *name) {
  pid_t holder = (pid_t)must(name, "clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  if (holder == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pause();
    _exit(0);
  }
  write_id_maps(holder);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", holder);
  int fd = (int)must(name, path, open(path, O_RDONLY | O_CLOEXEC));
  kill(holder, SIGKILL);  // the fd keeps the namespace alive
  waitpid(holder, NULL, 0);
  return fd;
}

int enter_userns(int userns) {
  if (setns(userns, CLONE_NEWUSER) < 0) return -1;
  if (syscall(SYS_setresgid, 0, 0, 0) < 0) return -1;
  return (int)syscall(SYS_setresuid, 0, 0, 0);
}

static void probe_syscalls(void) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  fact_of("openat2", syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how));
  fact_of("close_range CLOEXEC", close_range(900, ~0U, CLOSE_RANGE_CLOEXEC));
  // An unknown system call is ENOSYS; these arguments make a known one fail otherwise.
  static const struct { const char *name; long number; } calls[] = {
      {"mount_setattr (5.12)", SYS_mount_setattr}, {"landlock_create_ruleset (5.13)", SYS_landlock_create_ruleset},
      {"memfd_secret (5.14)", SYS_memfd_secret},   {"process_mrelease (5.15)", SYS_process_mrelease},
      {"futex_waitv (5.16)", SYS_futex_waitv},     {"cachestat (6.5)", 451},
      {"fchmodat2 (6.6)", kSysFchmodat2},          {"statmount (6.8)", kSysStatmount},
      {"listmount (6.8)", kSysListmount},          {"mseal (6.10)", 462},
      {"setxattrat (6.13)", 463},                  {"open_tree_attr (6.15)", kSysOpenTreeAttr},
      {"io_uring_setup", SYS_io_uring_setup}};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    long result = syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L);
    fact(calls[i].name, result < 0 && errno == ENOSYS ? "no (ENOSYS)" : "yes");
  }
}

static void probe_pidfd(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  fact_of("pidfd_open", pidfd);
  fact_of("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 1, 0));
  fact_of("setns by pidfd (5.8)", setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC));
  char info[64] = {1};
  fact_of("PIDFD_GET_INFO (6.13)", ioctl(pidfd, kIoctlPidfdGetInfo, info));
  fact_of("pidfd_send_signal", syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
  siginfo_t exited;
  fact_of("waitid P_PIDFD", waitid(3 /* P_PIDFD */, (id_t)pidfd, &exited, WEXITED));
}

static void probe_time_namespace(void) {
  const char *name = "time namespace with a boot-time offset, entered by unshare and exec";
  must(name, "unshare", unshare(CLONE_NEWUSER | 0x80 /* CLONE_NEWTIME */));
  int fd = (int)must(name, "timens_offsets", open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
  must(name, "write", write(fd, "boottime 1000000 0\n", 19));
  int pipe_fds[2];
  must(name, "pipe", pipe2(pipe_fds, O_CLOEXEC));
  if (fork() == 0) {
    char text[64] = {0};
    int uptime = open("/proc/uptime", O_RDONLY | O_CLOEXEC);
    if (uptime >= 0 && read(uptime, text, sizeof text - 1) > 0 && write(pipe_fds[1], text, sizeof text)) _exit(0);
    _exit(1);
  }
  char text[64] = {0};
  close(pipe_fds[1]);
  must(name, "child", read(pipe_fds[0], text, sizeof text));
  fact(name, atof(text) > 1000000 ? "yes" : "no (offset not seen)");
}

static void probe_cgroup_files(const char *dir) {
  static const char *const files[] = {"cgroup.kill",     "cgroup.freeze",  "cgroup.pressure", "cpu.max",        "cpu.max.burst", "cpu.idle",
                                      "cpu.stat.local",  "memory.max",     "memory.high",     "memory.oom.group", "memory.peak", "memory.reclaim",
                                      "memory.swap.max", "memory.zswap.max", "pids.max",      "pids.peak",      "io.max",        "io.weight",
                                      "io.bfq.weight",   "cpuset.cpus",    "hugetlb.2MB.max", "rdma.max",       "misc.max",      "pids.events.local"};
  char yes[400] = "", no[400] = "", path[200];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, files[i]);
    char *list = access(path, F_OK) == 0 ? yes : no;
    strcat(strcat(list, " "), files[i]);
  }
  fact("cgroup files there", "%s", yes);
  fact("cgroup files missing", "%s", no);
}

static void probe_cgroup(void) {
  const char *dir = "/sys/fs/cgroup/bulkhead-probe";
  if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0) return fact("pure cgroup v2", "no");
  write_text("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +cpuset +memory +pids +io +hugetlb +rdma +misc");
  char controllers[200] = {0};
  int fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_RDONLY | O_CLOEXEC);
  if (read(fd, controllers, sizeof controllers - 1) > 0) controllers[strcspn(controllers, "\n")] = 0;
  fact("pure cgroup v2, controllers that can be delegated", "%s", controllers);
  must("cgroup", "mkdir", mkdir(dir, 0755));
  probe_cgroup_files(dir);
  int group = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), pidfd = -1;
  struct clone_args args = {.flags = CLONE_INTO_CGROUP | CLONE_PIDFD, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group,
                            .pidfd = (uint64_t)(uintptr_t)&pidfd};
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) {
    pause();
    _exit(0);
  }
  fact_of("clone3 CLONE_INTO_CGROUP", child);
  int kill_fd = openat(group, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  fact_of("cgroup.kill", kill_fd < 0 ? -1 : write(kill_fd, "1", 1));
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  if (rmdir(dir) < 0) fact("cgroup", "left behind (%s)", strerrorname_np(errno));
}

static long load_listener(void) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_swapon, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {.len = 4, .filter = code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void probe_seccomp(void) {
  // A null program is EFAULT when the flags are known and EINVAL when they are not.
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | kSeccompWaitKillable, NULL);
  fact_errno("seccomp WAIT_KILLABLE_RECV (5.19)", EFAULT);
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER | kSeccompTsyncEsrch, NULL);
  fact_errno("seccomp TSYNC_ESRCH (5.7)", EFAULT);
  int listener = (int)must("seccomp listener", "seccomp", load_listener());
  struct seccomp_notif_addfd add = {.id = 12345, .flags = SECCOMP_ADDFD_FLAG_SEND};
  ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);  // no such notification: ENOENT when the flag is known
  fact_errno("seccomp ADDFD with SEND (5.14)", ENOENT);
  fact_of("seccomp listener SYNC_WAKE_UP (6.6)", ioctl(listener, kIoctlNotifSetFlags, 1));
  fact("second seccomp listener in one chain", "%s", outcome(load_listener()));
  struct seccomp_notif_sizes sizes = {0};
  syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  fact("seccomp notification sizes", "notif %u, resp %u, data %u", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
}

static void probe_host(void) {
  struct utsname name;
  uname(&name);
  fact("kernel", "%s", name.release);
  char caps[64] = "?", line[128];
  FILE *status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "CapEff: %63s", caps);
  fact("effective capabilities", "%s", caps);
  fact("AppArmor", access("/sys/kernel/security/apparmor/profiles", F_OK) == 0 ? "yes" : "no");
  fact("i386 system calls", access("/proc/sys/abi/vsyscall32", F_OK) == 0 ? "yes" : "no");
  fact_of("x32 system calls", syscall(0x40000000L | SYS_getpid));
  fact("/proc/sys/kernel/unprivileged_userns_clone (Debian's)", access("/proc/sys/kernel/unprivileged_userns_clone", F_OK) == 0 ? "there" : "not there");
}

// The container's root writes pid_max: allowed where the number belongs to the pid namespace.
static void probe_pid_max(void) {
  const char *name = "pid_max per pid namespace (6.14)";
  int userns = container_userns(name);
  must(name, "setns", enter_userns(userns));
  must(name, "unshare", unshare(CLONE_NEWPID | CLONE_NEWNS));
  pid_t child = fork();
  if (child == 0) {
    must(name, "mount proc", mount("proc", "/proc", "proc", 0, NULL));
    int fd = (int)must(name, "open for writing", open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC));
    fact_of(name, write(fd, "40000", 5));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void isolated(void (*probe)(void)) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fact("probe", "no mount namespace");
    probe();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) fact("probe", "a probe was ended by signal %d", WTERMSIG(status));
}

int main(void) {
  void (*const probes[])(void) = {probe_host, probe_pid_max,       probe_syscalls,         probe_pidfd,        probe_time_namespace, probe_cgroup,
                                  probe_seccomp,    probe_mount_api,        probe_idmapped_filesystems, probe_overlay_detached, probe_overlay_idmap, probe_overlay_details,
                                  probe_overlay_nested, probe_locked_tree, probe_masked_proc};
  mkdir(kProbeDir, 0755);
  for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) isolated(probes[i]);
  return system("rm -rf " kProbeDir) != 0;
}
