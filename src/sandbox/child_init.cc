// See child.h for the rules of this file.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "sandbox/child.h"
#include "sandbox/hooks.h"
#include "sys/namespace.h"

namespace bulkhead::sandbox {
namespace {

void set_names(const InitArguments& a) {
  if (!a.new_uts) return;
  const auto& spec = a.spec;
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0)
    die(a.fds.sync, errno, "set the hostname", spec.hostname.c_str());
  std::string_view domain = spec.domainname;
  for (const auto& [key, value, where] : a.sysctls) {
    if (key == "kernel.domainname") domain = value;
    if (key == "kernel.hostname" && ::sethostname(value.data(), value.size()) < 0)
      die(a.fds.sync, errno, "set the hostname");
  }
  if (!domain.empty() && ::setdomainname(domain.data(), domain.size()) < 0)
    die(a.fds.sync, errno, "set the domainname");
}

// A network namespace takes the kernel half a millisecond: made here, beside the set-up process's
// work, and after the ids are mapped, so that sysfs shows the container's root as owner of `lo`.
void make_network(const InitArguments& a) {
  if (!a.new_network) return;
  receive_go(a.fds.sync);
  if (::unshare(CLONE_NEWNET) < 0) die(a.fds.sync, errno, "unshare the network namespace");
  Report made{.kind = Report::Kind::kNetwork};
  if (::send(a.fds.sync, &made, sizeof made, MSG_NOSIGNAL) < 0) ::_exit(1);
}

// A new time namespace takes its offsets before its first process; unshare makes it for children,
// setns on one's own "time_for_children" enters it.
void enter_time_namespace(const InitArguments& a) {
  if (!a.new_time) return;
  if (::unshare(CLONE_NEWTIME) < 0) {
    if (errno == EINVAL) return;  // a kernel without them: uptime stays the host's
    die(a.fds.sync, errno, "unshare the time namespace");
  }
  if (!a.time_offsets.empty()) {
    int fd = ::openat(a.fds.proc, "self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, a.time_offsets.data(), a.time_offsets.size()) < 0)
      die(a.fds.sync, errno, "set the time namespace's offsets");
    ::close(fd);
  }
  int ns = ::openat(a.fds.proc, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  if (ns < 0 || ::setns(ns, CLONE_NEWTIME) < 0)
    die(a.fds.sync, errno, "enter the time namespace");
  ::close(ns);
}

void become_root_inside(const InitArguments& a) {
  if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
    die(a.fds.sync, errno, "become root of the user namespace");
  if (syscall(SYS_setgroups, 0, nullptr) < 0) die(a.fds.sync, errno, "drop supplementary groups");
  // Credentials changed: the kernel has cleared both.
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// The one moment of the construction: the copy of M0 belongs to the container's user namespace, so
// every mount in it is locked from here on.
void lock_mounts(const InitArguments& a) {
  int flags = CLONE_NEWNS | (a.new_cgroup ? CLONE_NEWCGROUP : 0);
  if (::unshare(flags) < 0) die(a.fds.sync, errno, "unshare the mount and cgroup namespaces");
  if (::chdir("/") < 0) die(a.fds.sync, errno, "enter the root");
  if (a.root_propagation != 0 &&
      ::mount(nullptr, "/", nullptr, a.root_propagation | MS_REC, nullptr) < 0)
    die(a.fds.sync, errno, "set the root's propagation");
}

// The slave was opened through the set-up process's mount, which has no path here: ttyname(3) of
// some C libraries fails then. The same file through the container's own mount has one.
int reopen_terminal(BorrowedFd slave) {
  struct stat given {}, found {};
  char path[32];
  if (::fstat(slave, &given) < 0) return slave;
  snprintf(path, sizeof path, "/dev/pts/%u", minor(given.st_rdev));
  int fd = ::open(path, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return slave;
  bool same = ::fstat(fd, &found) == 0 && given.st_dev == found.st_dev && given.st_ino == found.st_ino;
  ::close(same ? slave : fd);
  return same ? fd : slave;
}

void run_start_hooks(const InitArguments& a) {
  if (!a.start_hooks || a.start_hooks->empty()) return;
  for (const auto& hook : *a.start_hooks)
    if (auto done = run_hook(hook, a.hook_state); !done) {
      // The parent is gone by now: this goes to the container's stderr.
      [[maybe_unused]] auto n = ::write(2, done.error().message.data(), done.error().message.size());
      n = ::write(2, "\n", 1);
      ::_exit(1);
    }
}

}  // namespace

void run_init(const InitArguments& a) {
  prctl(PR_SET_DUMPABLE, 0);  // no process of the container may look into this one
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_cgroups(a.cgroup_tasks, a.fds.sync);
  close_others(a.fds);
  ::setsid();
  set_names(a);
  enter_time_namespace(a);
  make_network(a);
  int terminal = receive_go(a.fds.sync);
  become_root_inside(a);
  lock_mounts(a);
  if (terminal >= 0) use_terminal(reopen_terminal(terminal), a.fds.sync);
  if (!a.keyring.empty()) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, a.keyring.c_str());
  become_process(a.process, a.fds);
  wait_for_start(a.fds);
  run_start_hooks(a);
  execute(a.process, a.fds);
}

void run_exec(const ExecArguments& a) {
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_others(a.fds);
  ::setsid();
  int terminal = receive_go(a.fds.sync);
  if (syscall(SYS_setgroups, 0, nullptr) < 0) die(a.fds.sync, errno, "drop supplementary groups");
  if (terminal >= 0) use_terminal(terminal, a.fds.sync);
  if (!a.keyring.empty()) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, a.keyring.c_str());
  become_process(a.process, a.fds);
  execute(a.process, a.fds);
}

}  // namespace bulkhead::sandbox
