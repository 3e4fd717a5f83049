// R1, C16, D20, D32, D37, D48: two containers and a socket on a volume that they share. `victim`
// hands out what it can of itself (its pidfd, its namespaces, a descriptor of its root and of its
// memory); `attacker` tries to turn these, and the pids of the host given as arguments, into power
// over the victim.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "escape.h"

static const char *names[] = {"pidfd", "ns_user", "ns_mnt", "ns_pid", "ns_net"};
enum { kFds = 5 };

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0777) < 0 || listen(fd, 4) < 0) exit(1);
  return fd;
}

static void transfer(int connection, int *fds, int receive) {
  char byte = 'f', control[CMSG_SPACE(kFds * sizeof(int))] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (receive) {
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1) exit(2);
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), kFds * sizeof(int));
    return;
  }
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(kFds * sizeof(int));
  memcpy(CMSG_DATA(header), fds, kFds * sizeof(int));
  if (sendmsg(connection, &message, 0) != 1) exit(2);
}

static void victim(const char *path) {
  int server = listen_at(path);
  printf("ready OK\n");
  fflush(stdout);
  while (1) {
    int connection = accept(server, NULL, NULL);
    int fds[kFds] = {(int)syscall(SYS_pidfd_open, getpid(), 0), open("/proc/self/ns/user", O_RDONLY),
                     open("/proc/self/ns/mnt", O_RDONLY), open("/proc/self/ns/pid", O_RDONLY),
                     open("/proc/self/ns/net", O_RDONLY)};
    transfer(connection, fds, 0);
    for (int i = 0; i < kFds; ++i) close(fds[i]);
    close(connection);
  }
}

static void attack_pid(pid_t pid) {
  char byte, path[64];
  struct iovec here = {&byte, 1}, there = {(void *)names, 1};
  say(kill(pid, SIGKILL), "kill");
  say(syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
  say(ptrace(PTRACE_ATTACH, pid, NULL, NULL), "ptrace");
  say(ptrace(PTRACE_SEIZE, pid, NULL, NULL), "ptrace_seize");
  say(syscall(SYS_process_vm_readv, pid, &here, 1L, &there, 1L, 0L), "process_vm_readv");
  say(syscall(SYS_kcmp, getpid(), pid, 0, 0, 0), "kcmp");
  snprintf(path, sizeof path, "/proc/%d/root", pid);
  say(open(path, O_PATH), "proc_root");
}

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  if (!strcmp(argv[1], "victim")) victim(argv[2]);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[2]);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[kFds];
  if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  transfer(connection, fds, 1);
  say(syscall(SYS_pidfd_send_signal, fds[0], SIGKILL, NULL, 0L), "pidfd_send_signal");
  say(syscall(SYS_pidfd_getfd, fds[0], 0L, 0L), "pidfd_getfd");
  say(syscall(SYS_process_madvise, fds[0], NULL, 0L, 0L, 0L), "process_madvise");
  for (int i = 0; i < kFds; ++i) IN_CHILD(say(setns(fds[i], i ? 0 : CLONE_NEWNS | CLONE_NEWPID), "setns.%s", names[i]));
  for (int i = 3; i < argc; ++i) {
    pid_t pid = (pid_t)atol(argv[i]);
    IN_CHILD(attack_pid(pid));
  }
  return 0;
}
