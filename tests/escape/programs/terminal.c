// D43, D44: pushing characters into the terminal that the container was given, and reaching the
// host's devpts through it.
#include <linux/tiocl.h>
#include <sys/ioctl.h>

#include "escape.h"
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int main(void) {
  char character = 'x', pasted[2] = {TIOCL_PASTESEL, 0}, path[64], target[256];
  for (int fd = 0; fd < 3; ++fd) {
    say(ioctl(fd, TIOCSTI, &character), "tiocsti:%d", fd);
    say(ioctl(fd, TIOCLINUX, pasted), "tioclinux:%d", fd);
    say(ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY), "tiocgptpeer:%d", fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = '\0';
    printf("fd:%d %s\n", fd, target);
  }
  struct stat console;
  if (stat("/dev/console", &console) == 0) {
    struct stat mine;
    fstat(0, &mine);
    printf("console %s\n", console.st_rdev == mine.st_rdev && console.st_dev == mine.st_dev ? "OWN" : "OTHER");
    int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
    say(fd, "console.open");
  }
  int controlling = open("/dev/tty", O_RDWR | O_CLOEXEC);
  say(controlling, "tty.open");
  if (controlling >= 0) say(ioctl(controlling, TIOCSTI, &character), "tty.tiocsti");
  return 0;
}
