// R5, C01, C02, C05: every initial mount against every entry point, as the process itself, after
// unshare of the mount namespace, after chroot, and as root of a user namespace of its own, two
// levels deep. Also built with -m32: the i386 entry points.
#include "mount_attacks.h"

static void enter_user_namespace(const char *prefix, int level) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  char map[64];
  if (say(syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS), "%s.unshare", prefix) < 0) exit(0);
  put("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", gid);
  put("/proc/self/gid_map", map);
  snprintf(map, sizeof map, "0 %u 1", uid);
  if (put("/proc/self/uid_map", map) < 0) say(-1, "%s.map", prefix);
  attack_all(prefix);
  if (level == 1) enter_user_namespace("nested2", 2);
}

int main(int argc, char **argv) {
  const char *only = argc > 1 ? argv[1] : "";
  attack_all("direct");
  if (!strcmp(only, "direct")) return 0;
  IN_CHILD({
    if (say(syscall(SYS_unshare, CLONE_NEWNS), "unshared.unshare") == 0) attack_all("unshared");
  });
  IN_CHILD({
    if (say(chroot("/"), "chrooted.chroot") == 0) attack_all("chrooted");
  });
  IN_CHILD(enter_user_namespace("nested1", 1));
  return 0;
}
