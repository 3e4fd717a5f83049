// What every hostile program shares. Each attempt prints one line, "name RESULT", where RESULT is OK
// or the errno's name; test_escape.py compares them. No libc wrapper stands between a program and
// the kernel where the entry point matters: -m32 builds use the i386 table by the same names.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// <sys/mount.h>, which has these, cannot be included together with <linux/mount.h> (glibc 2.36).
#define MNT_FORCE 1
#define MNT_DETACH 2
#define MNT_EXPIRE 4
#define UMOUNT_NOFOLLOW 8
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef FSPICK_EMPTY_PATH
#define FSPICK_EMPTY_PATH 8
#endif
#define SYS_open_tree_attr_ 467  // 6.15; not in Debian 12's headers
enum { FSCONFIG_FLAG_ = 0, FSCONFIG_STRING_ = 1, FSCONFIG_CREATE_ = 6, FSCONFIG_RECONFIGURE_ = 7 };

static inline const char *result_name(long result) {
  static char text[32];
  if (result >= 0) return "OK";
  const char *name = strerrorname_np(errno);
  if (name) return name;
  snprintf(text, sizeof text, "E%d", errno);
  return text;
}

// Prints the outcome of `result` (errno still set) and hands it back.
static inline long say(long result, const char *format, ...) {
  int error = errno;
  char name[512];
  va_list list;
  va_start(list, format);
  vsnprintf(name, sizeof name, format, list);
  va_end(list);
  for (char *c = name; *c; ++c)
    if (*c == ' ') *c = '_';
  errno = error;
  printf("%s %s\n", name, result_name(result));
  fflush(stdout);
  errno = error;
  return result;
}

static inline long put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  long n = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return n;
}

static inline long do_mount(const char *source, const char *target, const char *type,
                            unsigned long flags, const char *data) {
  return syscall(SYS_mount, source, target, type, flags, data);
}
static inline long do_umount(const char *target, int flags) {
  return syscall(SYS_umount2, target, flags);
}
static inline long set_attr(int fd, const char *path, unsigned at, uint64_t set, uint64_t clear) {
  struct mount_attr attr = {.attr_set = set, .attr_clr = clear};
  return syscall(SYS_mount_setattr, fd, path, at, &attr, sizeof attr);
}

// Runs `body` in a child, so that what it changes of itself stays there.
#define IN_CHILD(body)                    \
  do {                                    \
    fflush(stdout);                       \
    pid_t child_ = fork();                \
    if (child_ == 0) {                    \
      body;                               \
      fflush(stdout);                     \
      _exit(0);                           \
    }                                     \
    waitpid(child_, NULL, 0);             \
  } while (0)
