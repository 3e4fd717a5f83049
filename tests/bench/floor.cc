// The floor of the bench: the bare system calls of a fully isolated container and nothing else. No
// JSON, no policy, no checks, no state that could be read back; every constant is worked out by the
// bench beforehand. What a runtime needs above this is what the runtime costs.
//
// create  private mount namespace; init cloned into user, pid, net, ipc, uts and time namespaces
// (it makes
//         cgroup and mount namespace itself, once everything stands: the copy locks every mount);
//         id maps; a cgroup in every hierarchy; a new overlay of the same layers, each idmapped;
//         proc, sysfs, tmpfs /dev, devpts, mqueue, shm, cgroup binds, device nodes, engine's files,
//         masks, read-only paths; pivot_root. Init drops its bounding set, loads the compiled
//         filter, waits on a socket.
// start   connects to that socket and returns when init has executed the program
// delete  removes cgroups and state
// run     all of it in one process (and one fork), waiting for init in between
//
// usage: bench_floor create|start|delete|run PLAN ID       (PLAN: text, see struct Plan)

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#define CHECK(call)                                                             \
  ({                                                                            \
    long result_ = (call);                                                      \
    if (result_ < 0) {                                                          \
      dprintf(2, "bench_floor:%d: %s: %s\n", __LINE__, #call, strerror(errno)); \
      _exit(1);                                                                 \
    }                                                                           \
    static_cast<int>(result_);                                                  \
  })

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace {

constexpr int kRange = 100000;  // host id of the container's root
constexpr int kMaxEntries = 64;

struct List {
  char* at[kMaxEntries];
  int count;
};

// One line each: KEY SPACE VALUE. Keys that may repeat are lists; layers from the topmost down.
struct Plan {
  List lower, cgroup, bind, mask, readonly, argument;
  char *overlay, *state, *filter, *hostname;
};

Plan plan;
char* id;

void add(List& list, char* value) {
  if (list.count == kMaxEntries) _exit(3);
  list.at[list.count++] = value;
}

void read_plan(const char* path) {
  static char text[16384];
  int fd = CHECK(open(path, O_RDONLY | O_CLOEXEC));
  CHECK(read(fd, text, sizeof text - 1));
  close(fd);
  for (char* line = strtok(text, "\n"); line; line = strtok(nullptr, "\n")) {
    char* value = strchr(line, ' ');
    *value++ = 0;
    if (!strcmp(line, "lower")) add(plan.lower, value);
    if (!strcmp(line, "cgroup")) add(plan.cgroup, value);
    if (!strcmp(line, "bind")) add(plan.bind, value);
    if (!strcmp(line, "mask")) add(plan.mask, value);
    if (!strcmp(line, "readonly")) add(plan.readonly, value);
    if (!strcmp(line, "argument")) add(plan.argument, value);
    if (!strcmp(line, "overlay")) plan.overlay = value;  // the directory with upper and work
    if (!strcmp(line, "state")) plan.state = value;
    if (!strcmp(line, "filter")) plan.filter = value;
    if (!strcmp(line, "hostname")) plan.hostname = value;
  }
}

char* path_of(const char* a, const char* b, const char* c = "") {
  static char buffers[4][512];
  static int next;
  char* buffer = buffers[next++ % 4];
  if (snprintf(buffer, sizeof buffers[0], "%s/%s%s", a, b, c) >=
      static_cast<int>(sizeof buffers[0]))
    _exit(3);
  return buffer;
}

void put(int dir, const char* file, const char* text) {
  int fd = CHECK(openat(dir, file, O_WRONLY | O_CLOEXEC));
  CHECK(write(fd, text, strlen(text)));
  close(fd);
}

int namespace_of(pid_t pid, const char* kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  return CHECK(open(path, O_RDONLY | O_CLOEXEC));
}

// ---- mounts -------------------------------------------------------------------------------------

int open_fs(const char* type) { return CHECK(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }

void set(int fs, const char* key, const char* value) {
  CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
}

int make(int fs, unsigned attributes) {
  CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  int tree = CHECK(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
  close(fs);
  return tree;
}

void attach(int tree, const char* at) {
  CHECK(syscall(SYS_move_mount, tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH));
  close(tree);
}

int idmapped(const char* path, int user_ns) {
  mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = static_cast<__u64>(user_ns)};
  int tree = CHECK(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  CHECK(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr));
  return tree;
}

void set_capabilities(const __u32 (&effective)[2], const __u32 (&permitted)[2]) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{effective[0], permitted[0], 0},
                                    {effective[1], permitted[1], 0}};
  CHECK(syscall(SYS_capset, &header, data));
}

// The overlay's superblock keeps the mounter's credentials: ids that the idmapped upper layer
// knows.
int make_overlay(int user_ns) {
  int fs = open_fs("overlay");
  for (int i = 0; i < plan.lower.count; ++i) {
    // Stays open: a detached mount whose last fd is closed is gone, before the overlay has cloned
    // it.
    int layer = idmapped(plan.lower.at[i], user_ns);
    CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "lowerdir+", nullptr, layer));
  }
  int base = idmapped(plan.overlay, user_ns);
  int upper = CHECK(openat(base, "upper", O_PATH | O_CLOEXEC));
  int work = CHECK(openat(base, "work", O_PATH | O_CLOEXEC));
  CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "upperdir", nullptr, upper));
  CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "workdir", nullptr, work));
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct had[2];
  CHECK(syscall(SYS_capget, &header, had));
  CHECK(prctl(PR_SET_KEEPCAPS, 1));
  CHECK(syscall(SYS_setresgid, kRange, kRange, 0));
  CHECK(syscall(SYS_setresuid, kRange, kRange, 0));
  set_capabilities({had[0].permitted, had[1].permitted}, {had[0].permitted, had[1].permitted});
  int tree = make(fs, 0);
  CHECK(syscall(SYS_setresuid, 0, 0, 0));
  CHECK(syscall(SYS_setresgid, 0, 0, 0));
  close(base), close(upper), close(work);
  return tree;
}

void make_dev() {
  static const struct {
    const char* name;
    int major, minor;
  } kNodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  int dev = open_fs("tmpfs");
  set(dev, "mode", "755"), set(dev, "size", "65536k"), set(dev, "uid", "100000"),
      set(dev, "gid", "100000");
  attach(make(dev, MOUNT_ATTR_NOSUID), "dev");
  for (const auto& node : kNodes) {
    CHECK(mknod(node.name, S_IFCHR | 0666, makedev(node.major, node.minor)));
    CHECK(lchown(node.name, kRange, kRange));
  }
  CHECK(symlink("/proc/self/fd", "dev/fd"));
  CHECK(symlink("/proc/self/fd/0", "dev/stdin"));
  CHECK(symlink("/proc/self/fd/1", "dev/stdout"));
  CHECK(symlink("/proc/self/fd/2", "dev/stderr"));
  CHECK(symlink("pts/ptmx", "dev/ptmx"));
  CHECK(symlink("/proc/kcore", "dev/core"));
  for (const char* name : {"dev/pts", "dev/mqueue", "dev/shm"}) CHECK(mkdir(name, 0755));
  int pts = open_fs("devpts");
  set(pts, "mode", "0620"), set(pts, "ptmxmode", "0666"), set(pts, "gid", "100005");
  attach(make(pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), "dev/pts");
  int shm = open_fs("tmpfs");
  set(shm, "mode", "1777"), set(shm, "size", "67108864"), set(shm, "uid", "100000"),
      set(shm, "gid", "100000");
  attach(make(shm, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC), "dev/shm");
}

// File systems that belong to a namespace: made by a process in it, or told of it by fd.
void make_kernel_mounts(pid_t init) {
  constexpr unsigned kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int pid_ns = namespace_of(init, "pid"), net_ns = namespace_of(init, "net"),
      ipc_ns = namespace_of(init, "ipc");
  int proc = open_fs("proc");
  CHECK(syscall(SYS_fsconfig, proc, FSCONFIG_SET_FD, "pidns", nullptr, pid_ns));  // Linux 6.17
  CHECK(setns(net_ns, CLONE_NEWNET));
  put(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  put(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "100000 165535");
  attach(make(proc, kQuiet), "proc");
  attach(make(open_fs("sysfs"), kQuiet | MOUNT_ATTR_RDONLY), "sys");
  make_dev();
  CHECK(setns(ipc_ns, CLONE_NEWIPC));
  attach(make(open_fs("mqueue"), kQuiet), "dev/mqueue");
  close(pid_ns), close(net_ns), close(ipc_ns);
}

void bind_cgroups() {
  mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                 MOUNT_ATTR_NOEXEC};
  int root = open_fs("tmpfs");
  set(root, "mode", "755");
  attach(make(root, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC), "sys/fs/cgroup");
  for (int i = 0; i < plan.cgroup.count; ++i) {
    const char* name = strrchr(plan.cgroup.at[i], '/') + 1;
    int tree =
        CHECK(syscall(SYS_open_tree, AT_FDCWD, path_of(plan.cgroup.at[i], "bulkhead-bench/", id),
                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    CHECK(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr));
    CHECK(mkdir(path_of("sys/fs/cgroup", name), 0755));
    attach(tree, path_of("sys/fs/cgroup", name));
  }
  CHECK(mount(nullptr, "sys/fs/cgroup", nullptr,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr));
}

void mask_and_protect() {
  for (int i = 0; i < plan.mask.count; ++i) {
    const char* target = plan.mask.at[i] + 1;  // relative to the new root, our working directory
    struct stat info;
    if (stat(target, &info)) continue;
    if (S_ISDIR(info.st_mode)) {
      CHECK(mount("tmpfs", target, "tmpfs", MS_RDONLY, "size=0k"));
    } else {
      CHECK(mount("/dev/null", target, nullptr, MS_BIND, nullptr));
    }
  }
  for (int i = 0; i < plan.readonly.count; ++i) {
    const char* target = plan.readonly.at[i] + 1;
    if (mount(target, target, nullptr, MS_BIND | MS_REC, nullptr)) continue;  // not there
    CHECK(mount(nullptr, target, nullptr,
                MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr));
  }
}

void build_root(pid_t init) {
  int user_ns = namespace_of(init, "user");
  const char* mount_point = path_of(plan.overlay, "merged");
  attach(make_overlay(user_ns), mount_point);
  CHECK(chdir(mount_point));
  make_kernel_mounts(init);
  bind_cgroups();
  for (int i = 0; i < plan.bind.count; ++i) {  // SOURCE TARGET
    char* target = strchr(plan.bind.at[i], ' ');
    *target++ = 0;
    attach(idmapped(plan.bind.at[i], user_ns), target + 1);
  }
  mask_and_protect();
  CHECK(syscall(SYS_pivot_root, ".", "."));
  CHECK(umount2(".", MNT_DETACH));
}

// ---- cgroups ------------------------------------------------------------------------------------

void copy_up(const char* group, const char* file) {
  char value[64] = {};
  int from = CHECK(open(path_of(group, "../", file), O_RDONLY | O_CLOEXEC));
  CHECK(read(from, value, sizeof value - 1));
  close(from);
  put(AT_FDCWD, path_of(group, file), value);
}

void enter_cgroups(pid_t init) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", init);
  for (int i = 0; i < plan.cgroup.count; ++i) {
    char group[512];
    if (snprintf(group, sizeof group, "%s/bulkhead-bench/%s", plan.cgroup.at[i], id) >= 500)
      _exit(3);
    CHECK(mkdir(group, 0755));
    if (strstr(group, "/cpuset/")) copy_up(group, "cpuset.cpus"), copy_up(group, "cpuset.mems");
    if (strstr(group, "/devices/")) {
      put(AT_FDCWD, path_of(group, "devices.deny"), "a");
      for (const char* rule :
           {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
            "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"}) {
        put(AT_FDCWD, path_of(group, "devices.allow"), rule);
      }
    }
    put(AT_FDCWD, path_of(group, "cgroup.procs"), pid);
  }
}

// ---- the two lives ------------------------------------------------------------------------------

void load_filter() {
  static sock_filter code[4096];
  int fd = CHECK(open(plan.filter, O_RDONLY | O_CLOEXEC));
  int size = CHECK(read(fd, code, sizeof code));
  close(fd);
  plan.filter = nullptr;
  static sock_fprog program;
  program = {static_cast<unsigned short>(static_cast<size_t>(size) / sizeof *code), code};
  plan.filter = reinterpret_cast<char*>(&program);
}

[[noreturn]] void init_process(int go, int ready, int door) {
  constexpr __u64 kDocker = 0xa80425fb;  // the engine's default set of 14
  char byte;
  CHECK(read(go, &byte, 1));
  CHECK(syscall(SYS_setgroups, 0, nullptr));
  CHECK(syscall(SYS_setresgid, 0, 0, 0));
  CHECK(syscall(SYS_setresuid, 0, 0, 0));
  CHECK(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));  // a copy in another user namespace: locked
  CHECK(chdir("/"));
  CHECK(setsid());
  CHECK(sethostname(plan.hostname, strlen(plan.hostname)));
  for (int cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    if (!(kDocker >> cap & 1)) CHECK(prctl(PR_CAPBSET_DROP, cap));
  }
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, plan.filter));
  set_capabilities({static_cast<__u32>(kDocker), 0}, {static_cast<__u32>(kDocker), 0});
  CHECK(write(ready, "r", 1));
  CHECK(accept4(door, nullptr, nullptr, SOCK_CLOEXEC));
  CHECK(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC));
  execve(plan.argument.at[0], plan.argument.at, environ);
  _exit(127);
}

sockaddr_un door_address() {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/%s/door", plan.state, id);
  return address;
}

int create() {
  int go[2], ready[2];
  CHECK(mkdir(path_of(plan.state, id), 0700));
  int state = CHECK(open(path_of(plan.state, id), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int door = CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = door_address();
  CHECK(bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address));
  CHECK(listen(door, 1));
  load_filter();
  CHECK(pipe2(go, O_CLOEXEC));
  CHECK(pipe2(ready, O_CLOEXEC));
  CHECK(unshare(CLONE_NEWNS | CLONE_NEWTIME));
  put(AT_FDCWD, "/proc/self/timens_offsets", "boottime -1000 0");
  CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr));
  pid_t init = CHECK(
      syscall(SYS_clone,
              CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD,
              0, 0, 0, 0));
  if (init == 0) {
    close(go[1]);  // else the wait below would outlast a builder that failed
    init_process(go[0], ready[1], door);
  }
  close(ready[1]);
  char file[64], text[16];
  for (const char* kind : {"uid", "gid"}) {
    snprintf(file, sizeof file, "/proc/%d/%s_map", init, kind);
    put(AT_FDCWD, file, "0 100000 65536");
  }
  enter_cgroups(init);
  int pid_file = CHECK(openat(state, "pid", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  CHECK(write(pid_file, text, static_cast<size_t>(snprintf(text, sizeof text, "%d", init))));
  build_root(init);
  CHECK(write(go[1], "g", 1));
  return read(ready[0], text, 1) == 1 ? 0 : 1;
}

int start() {
  char byte;
  sockaddr_un address = door_address();
  int door = CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(connect(door, reinterpret_cast<sockaddr*>(&address), sizeof address));
  CHECK(read(door, &byte, 1));  // end of file: the exec closed init's end
  return 0;
}

int remove_all() {
  for (int i = 0; i < plan.cgroup.count; ++i) {
    CHECK(rmdir(path_of(plan.cgroup.at[i], "bulkhead-bench/", id)));
  }
  CHECK(unlink(path_of(path_of(plan.state, id), "door")));
  CHECK(unlink(path_of(path_of(plan.state, id), "pid")));
  CHECK(rmdir(path_of(plan.state, id)));
  return 0;
}

int run() {
  int status = 0;
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));  // init outlives the builder and comes to us
  pid_t builder = CHECK(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (builder == 0) _exit(create());
  CHECK(waitpid(builder, &status, 0));
  if (status == 0 && start() == 0) CHECK(waitpid(-1, &status, 0));
  return remove_all() || status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  read_plan(argv[2]);
  id = argv[3];
  if (!strcmp(argv[1], "create")) return create();
  if (!strcmp(argv[1], "start")) return start();
  if (!strcmp(argv[1], "delete")) return remove_all();
  return !strcmp(argv[1], "run") ? run() : 2;
}
