// D04, D14, R11: opens every device node found in the directories given (an image's, a bind's).
#include <dirent.h>

#include "escape.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    DIR *entries = opendir(argv[i]);
    for (struct dirent *e; entries && (e = readdir(entries));) {
      char path[600];
      struct stat st;
      snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
      if (lstat(path, &st) < 0 || !(S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))) continue;
      int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      say(fd, "open:%s", path);
      if (fd >= 0) close(fd);
    }
    if (entries) closedir(entries);
  }
  return 0;
}
