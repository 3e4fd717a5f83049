// R2, R7, D01, D05-D09, D13, D38-D42: opens each path given as an argument and prints the errno, or
// what could be had: "READ n" bytes and, with a leading "+", "WRITABLE". Nothing is ever written.
#include <dirent.h>

#include "escape.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '+') {
      int fd = open(argv[i] + 1, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
      if (fd < 0) say(-1, "write:%s", argv[i] + 1);
      if (fd >= 0) printf("write:%s WRITABLE\n", argv[i] + 1), close(fd);
      continue;
    }
    int fd = open(argv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
      say(-1, "read:%s", argv[i]);
      continue;
    }
    char text[4096];
    ssize_t size = S_ISDIR(st.st_mode) ? 0 : read(fd, text, sizeof text);
    if (S_ISDIR(st.st_mode)) {
      DIR *entries = fdopendir(fd);
      while (entries && readdir(entries)) ++size;
      size -= 2;  // "." and ".."
    }
    if (size < 0) say(-1, "read:%s", argv[i]);
    if (size >= 0) printf("read:%s READ%zd\n", argv[i], size);
    close(fd);
  }
  return 0;
}
