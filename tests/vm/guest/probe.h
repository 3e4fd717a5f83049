// What the running kernel really does, as one line a fact: "fact NAME: yes|no (errno or detail)".
// Every probe runs in a forked child with a time limit and a private mount namespace, so it can neither hang nor leave
// anything behind but files below kProbeDir, which main() removes.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#define kProbeDir "/var/tmp/bulkhead-probe"  // on the machine's disk file system, not a tmpfs
#define kHostId 100000                       // the host id of the probes' container root

void fact(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The fact "yes", or "no (ERRNO)", from a system call's result.
void fact_of(const char *name, long result);
// "ok", or the name of errno, for details.
const char *outcome(long result);
// Ends the probe with a fact "no (what: ERRNO)" when the result is negative; else returns it.
long must(const char *name, const char *what, long result);

// An fd of a user namespace with the map "0 kHostId 65536".
int container_userns(const char *name);
// Gives the child's new user namespace that map.
void write_id_maps(pid_t child);
// Becomes root of the user namespace.
int enter_userns(int userns);
// fsopen + create + fsmount, optionally with one string option.
int new_filesystem(const char *type, const char *key, const char *value);
int attach(int tree, const char *path);
int clone_tree(const char *path, unsigned flags);
int idmap(int tree, int userns);

// probe_mounts.c, probe_overlay.c, probe_locks.c
void probe_idmapped_filesystems(void);
void probe_mount_api(void);
void probe_overlay_detached(void);
void probe_overlay_idmap(void);
void probe_overlay_details(void);
void probe_overlay_nested(void);
void probe_locked_tree(void);
void probe_masked_proc(void);
