// R5, D57: what lies under a mask must stay unseen whatever is done with the tree above it: a copy
// of the parent without its children, a pivot away from it, a lazily detached old root held by fd,
// a chroot walked out of. The arguments are paths that read as nothing; one that yields a byte or a
// directory entry is printed as REVEALED.
#include <dirent.h>

#include "escape.h"

static const char *masked[64];
static int masked_count;

// "EMPTY", an errno, or REVEALED.
static void look(int root, const char *where, const char *path) {
  int fd = openat(root, path + 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return (void)say(-1, "%s%s", where, path);
  struct stat st;
  fstat(fd, &st);
  int found = 0;
  char byte[64];
  if (S_ISDIR(st.st_mode)) {
    DIR *entries = fdopendir(fd);
    for (struct dirent *e; entries && (e = readdir(entries));)
      if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) found = 1;
    if (entries) closedir(entries);
  } else {
    ssize_t n = read(fd, byte, sizeof byte);
    if (n < 0) say(-1, "%s%s", where, path);
    found = n > 0;
    close(fd);
    if (n < 0) return;
  }
  printf("%s%s %s\n", where, path, found ? "REVEALED" : "EMPTY");
}

static void look_at_all(int root, const char *where) {
  for (int i = 0; i < masked_count; ++i) look(root, where, masked[i]);
  fflush(stdout);
}

static int open_root(void) { return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }

static void copy_of_root(unsigned long recursive, const char *where) {
  char directory[] = "/tmp/copyXXXXXX";
  if (!mkdtemp(directory)) exit(1);
  if (say(do_mount("/", directory, NULL, MS_BIND | recursive, NULL), "%s.bind", where) == 0) {
    for (int i = 0; i < masked_count; ++i) {
      char path[600];
      snprintf(path, sizeof path, "%s%s", directory, masked[i]);
      if (access(path, F_OK) == 0) say(do_umount(path, MNT_DETACH), "%s.umount%s", where, masked[i]);
    }
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    look_at_all(root, where);
    close(root);
    do_umount(directory, MNT_DETACH);
  }
  rmdir(directory);
}

// Copies of each masked thing's parent alone: the kernel must refuse what would uncover.
static void copy_of_parents(const char *where) {
  for (int i = 0; i < masked_count; ++i) {
    char parent[300], directory[] = "/tmp/parentXXXXXX", path[700];
    snprintf(parent, sizeof parent, "%s", masked[i]);
    char *slash = strrchr(parent, '/');
    const char *name = masked[i] + (slash - parent);
    *slash = '\0';
    if (access(masked[i], F_OK) < 0 || !mkdtemp(directory)) continue;
    if (say(do_mount(*parent ? parent : "/", directory, NULL, MS_BIND, NULL), "%s.bind%s", where, masked[i]) == 0) {
      snprintf(path, sizeof path, "%s%s", directory, name);
      int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
      look(root, where, name);
      close(root);
      do_umount(directory, MNT_DETACH);
    }
    rmdir(directory);
  }
}

static void pivot_away(const char *where) {
  if (say(syscall(SYS_unshare, CLONE_NEWNS), "%s.unshare", where) < 0) return;
  int old = open_root();
  mkdir("/tmp/pivot", 0700);
  if (say(do_mount("tmpfs", "/tmp/pivot", "tmpfs", 0, NULL), "%s.tmpfs", where) < 0) return;
  mkdir("/tmp/pivot/old", 0700);
  if (say(syscall(SYS_pivot_root, "/tmp/pivot", "/tmp/pivot/old"), "%s.pivot_root", where) < 0) return;
  if (chdir("/") < 0) return;
  for (int i = 0; i < masked_count; ++i) {
    char path[600];
    snprintf(path, sizeof path, "/old%s", masked[i]);
    if (access(path, F_OK) == 0) say(do_umount(path, MNT_DETACH), "%s.umount%s", where, masked[i]);
  }
  look_at_all(old, where);
  say(do_umount("/old", MNT_DETACH), "%s.umount_old", where);
  look_at_all(old, "detached");  // held by fd: locked children stay connected
}

static void walk_out_of_chroot(void) {
  struct stat before, after;
  int outside = open_root();
  stat("/", &before);
  mkdir("/tmp/jail", 0700);
  if (say(chroot("/tmp/jail"), "chroot.chroot") < 0) return;
  if (fchdir(outside) < 0) return;
  for (int i = 0; i < 64; ++i)
    if (chdir("..") < 0) return;
  if (chroot(".") < 0) return;
  stat("/", &after);
  printf("chroot.root %s\n", before.st_ino == after.st_ino && before.st_dev == after.st_dev ? "SAME" : "REVEALED");
  look_at_all(AT_FDCWD, "chroot");
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc && masked_count < 64; ++i) masked[masked_count++] = argv[i];
  look_at_all(open_root(), "plain");
  IN_CHILD(copy_of_root(0, "copy"));
  IN_CHILD(copy_of_root(MS_REC, "copy_recursive"));
  IN_CHILD(copy_of_parents("parent"));
  IN_CHILD(pivot_away("pivot"));
  IN_CHILD(walk_out_of_chroot());
  return 0;
}
