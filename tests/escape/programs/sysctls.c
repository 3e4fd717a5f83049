// R2, R7, D35: writes back its own value to everything below /proc/sys, and prints what took it.
// test_escape.py compares that list with writable_sysctls.txt.
#include <dirent.h>

#include "escape.h"

static void try_file(const char *path) {
  char value[65536];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {  // write-only triggers: opened, never written
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) printf("opened:%s OK\n", path);
    if (fd >= 0) close(fd);
    return;
  }
  ssize_t size = read(fd, value, sizeof value);
  close(fd);
  fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  printf("opened:%s OK\n", path);
  if (size > 0 && write(fd, value, (size_t)size) >= 0) printf("written:%s OK\n", path);
  close(fd);
}

static void walk(const char *directory) {
  DIR *entries = opendir(directory);
  if (!entries) return;
  for (struct dirent *e; (e = readdir(entries));) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
    if (e->d_type == DT_DIR) {
      walk(path);
    } else {
      try_file(path);
    }
  }
  closedir(entries);
}

int main(void) {
  walk("/proc/sys");
  return 0;
}
