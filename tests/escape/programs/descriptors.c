// A07: every descriptor that this process was given, by number, and its working directory.
#include "escape.h"

int main(void) {
  char path[64], target[4096];
  for (int fd = 0; fd < 65536; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    printf("%d %s\n", fd, target);
  }
  printf("cwd %s\n", getcwd(target, sizeof target) ? target : strerror(errno));
  return 0;
}
