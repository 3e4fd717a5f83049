// See child.h for the rules of this file.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cgroup/cgroup.h"
#include "sandbox/child.h"
#include "seccomp/load.h"
#include "sys/process.h"

namespace bulkhead::sandbox {
namespace {

// The executable as execvp would find it, in a fixed buffer.
char executable[4096];

bool is_executable(const char* path, int* error) {
  struct stat st {};
  if (::stat(path, &st) < 0) return *error = errno, false;
  if (S_ISDIR(st.st_mode)) return *error = EISDIR, false;
  if (::faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0) return *error = errno, false;
  return true;
}

// In the words of Go's os/exec: `docker run` makes its exit codes 126 and 127 of them, by these
// very letters, so strerror's "Permission denied" would be 125.
[[noreturn]] void die_exec(const ChildFds& fds, const char* name, int error) {
  char text[sizeof Report{}.text];
  const char* reason = nullptr;
  if (error == 0) reason = "executable file not found in $PATH";
  if (error == ENOENT) reason = "no such file or directory";
  if (error == EACCES) reason = "permission denied";
  if (error == EISDIR) reason = "permission denied (is a directory)";
  snprintf(text, sizeof text, "exec: \"%.300s\"%s%s", name, reason ? ": " : "", reason ? reason : "");
  die(fds.sync, reason ? 0 : error, text);
}

void find_executable(const Prepared& process, const ChildFds& fds) {
  const char* name = process.argv[0];
  int error = 0;
  if (strchr(name, '/') || name[0] == '\0') {
    if (!is_executable(name, &error)) die_exec(fds, name, error);
    snprintf(executable, sizeof executable, "%s", name);
    return;
  }
  for (const char* at = process.path_variable.c_str(); *at != '\0';) {
    const char* end = strchrnul(at, ':');
    int length = static_cast<int>(end - at);
    int size = snprintf(executable, sizeof executable, "%.*s/%s", length, length ? at : ".", name);
    if (size < static_cast<int>(sizeof executable) && is_executable(executable, &error)) return;
    at = *end ? end + 1 : end;
  }
  die_exec(fds, name, error == EACCES ? EACCES : 0);
}

// A working directory that is not below the root would be a leak of the host (CVE-2024-21626):
// all fds of ours but three are closed by now, and the kernel says "(unreachable)" for the rest.
//
// Done as the container's root before the engine's filter is loaded, which may deny getcwd; again as
// the user when root may not (a directory of ids that are not mapped). false: not yet.
bool enter_directory(const Prepared& process, const ChildFds& fds, bool is_last_try) {
  char path[4096];
  if (::chdir(process.cwd.c_str()) < 0) {
    if (!is_last_try && (errno == EACCES || errno == EPERM)) return false;
    die(fds.sync, errno, "chdir to process.cwd", process.cwd.c_str());
  }
  if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/')
    die(fds.sync, 0, "process.cwd is outside of the container's root", process.cwd.c_str());
  return true;
}

[[noreturn]] void die_id(const ChildFds& fds, const char* what, std::uint32_t id) {
  char text[sizeof Report{}.text];
  const char* reason =
      errno == EINVAL ? ": the container has no such id (ids 0 to 65535, unless the engine maps more)" : "";
  snprintf(text, sizeof text, "set %s to %u%s", what, id, reason);
  die(fds.sync, errno == EINVAL ? 0 : errno, text);
}

void set_user(const Prepared& process, const ChildFds& fds) {
  if (process.has_capabilities) {
    if (int error = sys::drop_bounding(process.capabilities.bounding); error < 0)
      die(fds.sync, -error, "drop bounding capabilities");
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) die(fds.sync, errno, "keep capabilities");
  }
  if (!process.groups.empty() &&
      syscall(SYS_setgroups, process.groups.size(), process.groups.data()) < 0)
    die(fds.sync, errno, "set supplementary groups");
  if (syscall(SYS_setresgid, process.gid, process.gid, process.gid) < 0)
    die_id(fds, "the group id", process.gid);
  if (syscall(SYS_setresuid, process.uid, process.uid, process.uid) < 0)
    die_id(fds, "the user id", process.uid);
  // The change of ids made the process dumpable and forgot its parent.
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void set_capabilities(const Prepared& process, const ChildFds& fds) {
  if (!process.has_capabilities) return;
  if (int error = sys::set_capabilities(process.capabilities); error < 0)
    die(fds.sync, -error, "set capabilities");
  if (int error = sys::set_ambient(process.capabilities.ambient); error < 0)
    die(fds.sync, -error, "set ambient capabilities");
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

void write_label(const Prepared& process, const ChildFds& fds) {
  if (process.exec_label.empty()) return;
  char path[64];
  snprintf(path, sizeof path, "self/%s", process.exec_label_file.c_str());
  int fd = ::openat(fds.proc, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, process.exec_label.data(), process.exec_label.size()) < 0)
    die(fds.sync, errno, "apply the security label", process.exec_label.c_str());
  ::close(fd);
}

// Loads the engine's filter. A listener (SCMP_ACT_NOTIFY) goes to the parent, which hands it to
// the agent that the profile names.
void load_filter(const Prepared& process, const ChildFds& fds) {
  if (process.filter.program.empty()) return;
  const auto& filter = process.filter;
  int listener = filter.has_notify ? seccomp::install_with_listener(filter.program, filter.flags)
                                   : seccomp::install(filter.program, filter.flags);
  if (listener < 0) die(fds.sync, -listener, "load the seccomp filter");
  if (!filter.has_notify) return;
  Report report{.kind = Report::Kind::kListener};
  iovec data{&report, sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof listener);
  memcpy(CMSG_DATA(header), &listener, sizeof listener);
  if (::sendmsg(fds.sync, &message, MSG_NOSIGNAL) < 0) die(fds.sync, errno, "pass the seccomp listener");
  ::close(listener);
}

}  // namespace

void die(BorrowedFd sync, int code, const char* what, const char* object) {
  Report report{.kind = Report::Kind::kError, .code = code};
  snprintf(report.text, sizeof report.text, "%.300s%s%.180s", what, object ? " " : "",
           object ? object : "");
  if (::send(sync, &report, sizeof report, MSG_NOSIGNAL) < 0) {
    // Nobody listens after `start` but whoever reads the container's stderr.
    char line[sizeof report.text + 64];
    int size = snprintf(line, sizeof line, "bulkhead: %s%s%s\n", report.text, code ? ": " : "",
                        code ? strerror(code) : "");
    [[maybe_unused]] auto n = ::write(2, line, static_cast<std::size_t>(size));
  }
  ::_exit(1);
}

void enter_cgroups(std::span<const UniqueFd> tasks, BorrowedFd sync) {
  if (int error = cgroup::enter_self(tasks); error != 0) die(sync, error, "enter the container's cgroup");
}

void close_others(const ChildFds& fds) {
  int keep[] = {fds.sync, fds.proc, fds.start_fifo};
  std::ranges::sort(keep);
  unsigned from = 3 + static_cast<unsigned>(fds.preserved);
  for (int fd : keep) {
    if (fd < static_cast<int>(from)) continue;
    if (fd > static_cast<int>(from)) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(from, ~0u, 0);
}

int receive_go(BorrowedFd sync) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do got = ::recvmsg(sync, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(1);  // the set-up process died or gave up: nobody is left to tell
  int fd = -1;
  if (cmsghdr* header = CMSG_FIRSTHDR(&message)) memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

void use_terminal(BorrowedFd slave, BorrowedFd sync) {
  if (::ioctl(slave, TIOCSCTTY, 0) < 0) die(sync, errno, "take the terminal");
  for (int fd = 0; fd <= 2; ++fd)
    if (::dup2(slave, fd) < 0) die(sync, errno, "use the terminal");
  ::close(slave);
}

void become_process(const Prepared& process, const ChildFds& fds) {
  if (process.personality && ::personality(*process.personality) == -1)
    die(fds.sync, errno, "set the personality");
  write_label(process, fds);
  ::close(fds.proc);
  bool entered = enter_directory(process, fds, false);
  bool filter_late = process.no_new_privileges && !process.filter.has_notify;
  // Without no_new_privileges the filter needs CAP_SYS_ADMIN, so it is loaded before the
  // capabilities go; with it, as late as can be.
  if (process.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    die(fds.sync, errno, "set no_new_privs");
  if (!filter_late) load_filter(process, fds);
  set_user(process, fds);
  if (process.umask) ::umask(*process.umask);
  if (!entered) enter_directory(process, fds, true);
  set_capabilities(process, fds);
  if (!process.cpu_affinity_final.empty())
    syscall(SYS_sched_setaffinity, 0, process.cpu_affinity_final.size() * 8,
            process.cpu_affinity_final.data());
  find_executable(process, fds);
  Report ready{.kind = Report::Kind::kReady};
  // Before the report: `create` may end the moment that it has it. If it died instead, the send
  // fails. A process of `exec` keeps the socket: execve closes it, or its error follows.
  if (fds.start_fifo >= 0) prctl(PR_SET_PDEATHSIG, 0);
  if (::send(fds.sync, &ready, sizeof ready, MSG_NOSIGNAL) < 0) ::_exit(1);
  if (fds.start_fifo >= 0) ::close(fds.sync);
}

void wait_for_start(const ChildFds& fds) {
  char byte;
  ssize_t got;
  do got = ::read(fds.start_fifo, &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) die(fds.sync, got < 0 ? errno : 0, "wait for start");
  ::close(fds.start_fifo);
}

void execute(const Prepared& process, const ChildFds& fds) {
  sys::reset_signals();
  if (process.no_new_privileges && !process.filter.has_notify) load_filter(process, fds);
  prctl(PR_SET_PDEATHSIG, 0);
  ::close_range(3 + static_cast<unsigned>(fds.preserved), ~0u, CLOSE_RANGE_CLOEXEC);
  ::execve(executable, process.argv.data(), process.envp.data());
  int error = errno;
  if (fds.start_fifo < 0) die_exec(fds, process.argv[0], error);
  char text[4600];
  int size = snprintf(text, sizeof text, "bulkhead: exec %s: %s\n", executable, strerror(error));
  [[maybe_unused]] auto n = ::write(2, text, static_cast<std::size_t>(size));
  ::_exit(255);
}

}  // namespace bulkhead::sandbox
