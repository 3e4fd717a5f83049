// R2, D04, D10-D14, D18-D23, D31, D32, D38, D60: what an owner of the machine may do and a
// container's root may not, call by call. Arguments are chosen so that a call that passes changes
// nothing: the clock is set to what it is, modules and kernels are empty.
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sys/io.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "escape.h"

static void bpf_calls(void) {
  char attr[128] = {0};
  const struct { int command; const char *name; } calls[] = {
      {0, "map_create"}, {5, "prog_load"}, {7, "obj_get"}, {11, "prog_get_next_id"}, {12, "map_get_next_id"},
      {13, "prog_get_fd_by_id"}, {14, "map_get_fd_by_id"}, {23, "btf_get_next_id"}, {31, "link_get_next_id"},
  };
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; ++i) {
    memset(attr, 0, sizeof attr);
    if (calls[i].command == 0) memcpy(attr, (int[]){1, 4, 4, 1}, 16);  // a hash map of one entry
    if (calls[i].command == 7) *(uint64_t *)attr = (uint64_t)(uintptr_t)"/sys/fs/bpf/x";
    say(syscall(SYS_bpf, calls[i].command, attr, sizeof attr), "bpf.%s", calls[i].name);
  }
}

static void kernel_calls(void) {
  say(syscall(SYS_init_module, NULL, 0, ""), "init_module");
  say(syscall(SYS_finit_module, 0, "", 0), "finit_module");
  say(syscall(SYS_delete_module, "none", O_NONBLOCK), "delete_module");
  say(syscall(SYS_kexec_load, 0, 0, NULL, 0), "kexec_load");
#ifdef SYS_kexec_file_load  // not in the i386 table
  say(syscall(SYS_kexec_file_load, -1, -1, 0, "", 0), "kexec_file_load");
#endif
  say(syscall(SYS_iopl, 3), "iopl");
  say(syscall(SYS_ioperm, 0x80, 1, 1), "ioperm");
  say(syscall(SYS_swapon, "/tmp", 0), "swapon");
  say(syscall(SYS_swapoff, "/tmp"), "swapoff");
  say(syscall(SYS_acct, "/tmp"), "acct");
  say(syscall(SYS_quotactl, 0x800002 << 8, "/dev/vda", 0, NULL), "quotactl");
  say(syscall(SYS_lookup_dcookie, 1L, NULL, 0L), "lookup_dcookie");
  for (int action = 0; action <= 10; ++action) {
    char text[16];
    if (action == 4 || action == 5) continue;  // would clear it
    say(syscall(SYS_syslog, action, text, sizeof text), "syslog.%d", action);
  }
}

static void clock_calls(void) {
  struct timeval now;
  struct timespec exact;
  struct timex adjust = {.modes = ADJ_FREQUENCY};
  gettimeofday(&now, NULL);
  say(syscall(SYS_settimeofday, &now, NULL), "settimeofday");
  clock_gettime(CLOCK_REALTIME, &exact);
  say(syscall(SYS_clock_settime, CLOCK_REALTIME, &exact), "clock_settime");
  struct timex read_only = {0};
  adjtimex(&read_only);
  adjust.freq = read_only.freq;
  say(syscall(SYS_adjtimex, &adjust), "adjtimex");
}

static void device_calls(void) {
  const struct { mode_t type; int major, minor; const char *name; } nodes[] = {
      {S_IFBLK, 254, 0, "vda"}, {S_IFBLK, 8, 0, "sda"}, {S_IFBLK, 7, 0, "loop0"}, {S_IFCHR, 1, 1, "mem"},
      {S_IFCHR, 1, 11, "kmsg"}, {S_IFCHR, 10, 237, "loop-control"}, {S_IFCHR, 4, 1, "tty1"}};
  for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; ++i) {
    char path[64];
    for (int place = 0; place < 2; ++place) {
      snprintf(path, sizeof path, "%s/node-%s", place ? "/dev" : "/tmp", nodes[i].name);
      if (say(mknod(path, nodes[i].type | 0666, (dev_t)(nodes[i].major << 8 | nodes[i].minor)), "mknod.%s:%s",
              nodes[i].name, place ? "dev" : "tmp") == 0)
        say(open(path, O_RDONLY | O_NONBLOCK), "mknod_open.%s", nodes[i].name);
      unlink(path);
    }
  }
  const char *types[] = {"ext4", "xfs", "btrfs", "vfat", "iso9660", "squashfs", "devtmpfs", "debugfs",
                         "tracefs", "securityfs", "configfs", "pstore", "efivarfs"};
  mkdir("/tmp/disk", 0700);
  for (unsigned i = 0; i < sizeof types / sizeof *types; ++i) {
    if (say(do_mount("/dev/vda", "/tmp/disk", types[i], MS_RDONLY, NULL), "mount.%s", types[i]) == 0)
      do_umount("/tmp/disk", MNT_DETACH);
    int fs = (int)syscall(SYS_fsopen, types[i], 1);
    long done = fs;
    if (fs >= 0) done = syscall(SYS_fsconfig, fs, FSCONFIG_STRING_, "source", "/dev/vda", 0);
    if (done >= 0) done = syscall(SYS_fsconfig, fs, FSCONFIG_CREATE_, NULL, NULL, 0);
    say(done, "fsopen.%s", types[i]);
  }
}

static void observe_calls(void) {
  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_CPU_CLOCK};
  say(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0), "perf.cpu_wide");
  say(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd.kernel");
  struct { struct file_handle head; unsigned char bytes[8]; } handle = {
      .head = {.handle_bytes = 8, .handle_type = 1}, .bytes = {2}};  // inode 2: the root of an ext4
  int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), there = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
  say(syscall(SYS_open_by_handle_at, there, &handle, O_RDONLY), "open_by_handle.bind");
  say(syscall(SYS_open_by_handle_at, here, &handle, O_RDONLY), "open_by_handle.root");
  say(syscall(SYS_keyctl, KEYCTL_READ, 1L, NULL, 0L), "keyctl.read_unknown");
  say(syscall(SYS_setns, open("/proc/1/ns/user", O_RDONLY | O_CLOEXEC), CLONE_NEWUSER), "setns.own_user");
  say(syscall(SYS_fanotify_init, 0x4 /* CONTENT */, O_RDONLY), "fanotify.content");
  say(put("/proc/1/oom_score_adj", "-1000"), "oom_score_adj");
  say(syscall(SYS_sched_setscheduler, 0, 1, (int[]){1}), "sched_fifo");
}

int main(void) {
  bpf_calls();
  kernel_calls();
  clock_calls();
  device_calls();
  observe_calls();
  return 0;
}
