// R2, R7, D35: writes back its own value to everything below /proc/sys, and prints what took it;
// test_escape.py compares that list with writable_sysctls.txt. With the argument "change" it writes
// another number instead, so that test_zz_host.py can look whether any of the host's changed.
#include <dirent.h>

#include "escape.h"

static int change;

// The first number of a value, one off.
static ssize_t changed_value(char *value, ssize_t size, size_t capacity) {
  char *end;
  value[size] = '\0';
  long long number = strtoll(value, &end, 10);
  if (end == value) return 0;
  char rest[4096];
  snprintf(rest, sizeof rest, "%s", end);
  return snprintf(value, capacity, "%lld%s", number > 0 ? number - 1 : number + 1, rest);
}

static void try_file(const char *path) {
  char value[65537];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {  // write-only triggers: opened, never written
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) printf("opened:%s OK\n", path);
    if (fd >= 0) close(fd);
    return;
  }
  ssize_t size = read(fd, value, sizeof value - 1);
  close(fd);
  fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  printf("opened:%s OK\n", path);
  if (change) size = size > 0 ? changed_value(value, size, sizeof value) : 0;
  if (size > 0 && write(fd, value, (size_t)size) >= 0)
    printf("%s:%s OK\n", change ? "changed" : "written", path);
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

int main(int argc, char **argv) {
  change = argc > 1 && !strcmp(argv[1], "change");
  walk("/proc/sys");
  return 0;
}
