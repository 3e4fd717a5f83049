// D11: reboot(2). In a pid namespace of its own a privileged container ends itself by it; the machine
// never.
#include <linux/reboot.h>

#include "escape.h"

int main(void) {
  say(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL), "reboot");
  return 0;
}
