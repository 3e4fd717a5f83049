// Every entry point by which somebody with CAP_SYS_ADMIN in the container could make an initial
// mount writable, take it away or show what it covers (R5, C01, C02, C05). attack_all() tries each
// on each mount that the process has, and prints "PREFIX.attempt:mount RESULT"; an attempt that the
// kernel let pass and that changed nothing locked is allowed, so the mount's flags are printed
// before and after: a lost flag is the proof of a hole.
#pragma once
#include "escape.h"

struct mount_line {
  char point[300], root[300], flags[160], type[40];
  unsigned long locked;  // MS_* that it has and that must stay
};

static int read_mounts(struct mount_line *mounts, int max) {
  FILE *file = fopen("/proc/self/mountinfo", "re");
  int count = 0;
  char line[4096];
  while (file && count < max && fgets(line, sizeof line, file)) {
    struct mount_line *m = &mounts[count];
    char *dash = strstr(line, " - ");
    if (!dash || sscanf(line, "%*d %*d %*s %299s %299s %159s", m->root, m->point, m->flags) != 3) continue;
    sscanf(dash + 3, "%39s", m->type);
    m->locked = 0;
    char copy[162];
    snprintf(copy, sizeof copy, "%s", m->flags);
    for (char *word = strtok(copy, ","); word; word = strtok(NULL, ",")) {
      if (!strcmp(word, "ro")) m->locked |= MS_RDONLY;
      if (!strcmp(word, "nosuid")) m->locked |= MS_NOSUID;
      if (!strcmp(word, "nodev")) m->locked |= MS_NODEV;
      if (!strcmp(word, "noexec")) m->locked |= MS_NOEXEC;
    }
    ++count;
  }
  if (file) fclose(file);
  return count;
}

static void print_flags(const char *prefix, const char *when) {
  static struct mount_line mounts[256];
  int count = read_mounts(mounts, 256);
  for (int i = 0; i < count; ++i)
    printf("%s.%s:%s %s\n", prefix, when, mounts[i].point, mounts[i].flags);
  fflush(stdout);
}

static uint64_t attributes(unsigned long flags) {
  return (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) | (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
         (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) | (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

// Each locked flag cleared alone, then all of them.
static void attack_flags(const char *prefix, const struct mount_line *m) {
  unsigned long flags[] = {MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, m->locked};
  for (unsigned i = 0; i < 5; ++i) {
    if (!(m->locked & flags[i]) || (i < 4 && flags[i] == m->locked)) continue;
    unsigned long rest = m->locked & ~flags[i];
    say(do_mount("none", m->point, NULL, MS_REMOUNT | MS_BIND | rest, NULL), "%s.remount_bind_-%lx:%s",
        prefix, flags[i], m->point);
    say(set_attr(AT_FDCWD, m->point, 0, 0, attributes(flags[i])), "%s.setattr_-%lx:%s", prefix, flags[i],
        m->point);
  }
  say(set_attr(AT_FDCWD, m->point, AT_RECURSIVE, 0, attributes(m->locked)), "%s.setattr_recursive:%s",
      prefix, m->point);
}

static void attack_clone(const char *prefix, const struct mount_line *m, const char *spare) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, m->point, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) {
    say(tree, "%s.open_tree:%s", prefix, m->point);  // EINVAL: it covers or is covered
    tree = (int)syscall(SYS_open_tree, AT_FDCWD, m->point,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  }
  if (tree >= 0) {
    say(set_attr(tree, "", AT_EMPTY_PATH, 0, attributes(m->locked)), "%s.clone_setattr:%s", prefix,
        m->point);
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, spare, MOVE_MOUNT_F_EMPTY_PATH) == 0) {
      say(do_mount("none", spare, NULL, MS_REMOUNT | MS_BIND, NULL), "%s.clone_remount:%s", prefix, m->point);
      do_umount(spare, MNT_DETACH);
    }
    close(tree);
  }
  struct mount_attr attr = {.attr_clr = attributes(m->locked)};
  tree = (int)syscall(SYS_open_tree_attr_, AT_FDCWD, m->point,
                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE, &attr, sizeof attr);
  say(tree, "%s.open_tree_attr:%s", prefix, m->point);
  if (tree >= 0) close(tree);
}

static void attack_copy(const char *prefix, const struct mount_line *m, const char *spare) {
  if (do_mount(m->point, spare, NULL, MS_BIND, NULL) < 0 && do_mount(m->point, spare, NULL, MS_BIND | MS_REC, NULL) < 0)
    return (void)say(-1, "%s.copy:%s", prefix, m->point);
  say(do_mount("none", spare, NULL, MS_REMOUNT | MS_BIND, NULL), "%s.copy_remount:%s", prefix, m->point);
  say(set_attr(AT_FDCWD, spare, 0, 0, attributes(m->locked)), "%s.copy_setattr:%s", prefix, m->point);
  do_umount(spare, MNT_DETACH);
}

static void attack_superblock(const char *prefix, const struct mount_line *m) {
  say(do_mount("none", m->point, NULL, MS_REMOUNT, NULL), "%s.remount_sb:%s", prefix, m->point);
  int fs = (int)syscall(SYS_fspick, AT_FDCWD, m->point, 1 /* CLOEXEC */);
  if (fs < 0) return (void)say(fs, "%s.fspick:%s", prefix, m->point);
  long set = syscall(SYS_fsconfig, fs, FSCONFIG_FLAG_, "rw", NULL, 0);
  if (set == 0) set = syscall(SYS_fsconfig, fs, FSCONFIG_RECONFIGURE_, NULL, NULL, 0);
  say(set, "%s.fsconfig_reconfigure:%s", prefix, m->point);
  close(fs);
}

static void attack_place(const char *prefix, const struct mount_line *m, const char *spare) {
  say(do_mount(m->point, spare, NULL, MS_MOVE, NULL), "%s.move:%s", prefix, m->point);
  say(syscall(SYS_move_mount, AT_FDCWD, m->point, AT_FDCWD, spare, 0), "%s.move_mount:%s", prefix, m->point);
  say(do_umount(m->point, UMOUNT_NOFOLLOW), "%s.umount_nofollow:%s", prefix, m->point);
  say(do_umount(m->point, MNT_EXPIRE), "%s.umount_expire:%s", prefix, m->point);
  say(do_umount(m->point, MNT_EXPIRE), "%s.umount_expire_again:%s", prefix, m->point);
  say(do_umount(m->point, 0), "%s.umount:%s", prefix, m->point);
  say(do_umount(m->point, MNT_FORCE), "%s.umount_force:%s", prefix, m->point);
  say(do_umount(m->point, MNT_DETACH), "%s.umount_detach:%s", prefix, m->point);
  say(do_umount(m->point, MNT_DETACH | UMOUNT_NOFOLLOW), "%s.umount_detach_nofollow:%s", prefix, m->point);
}

static void attack_all(const char *prefix) {
  static struct mount_line mounts[256];
  int count = read_mounts(mounts, 256);
  char directory[] = "/tmp/spareXXXXXX", file[64];
  if (!mkdtemp(directory)) exit(1);
  snprintf(file, sizeof file, "%s.file", directory);
  close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  print_flags(prefix, "before");
  for (int pass = 0; pass < 2; ++pass)
    for (int n = 0; n < count; ++n) {
      // What takes mounts away comes last and from the last mount on: where it succeeds, the others
      // must have had their turn.
      const struct mount_line *m = &mounts[pass == 0 ? n : count - 1 - n];
      struct stat st;
      if (stat(m->point, &st) < 0) continue;
      const char *spare = S_ISDIR(st.st_mode) ? directory : file;
      if (pass == 1) {
        attack_place(prefix, m, spare);
      } else if (m->locked) {
        attack_flags(prefix, m);
        attack_clone(prefix, m, spare);
        attack_copy(prefix, m, spare);
        attack_superblock(prefix, m);
      }
    }
  print_flags(prefix, "after");
  rmdir(directory);
  unlink(file);
}
