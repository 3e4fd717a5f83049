// The container's control groups: one interface, three managers (cgroupfs on v1 and hybrid hosts,
// cgroupfs on v2, systemd). Callers never branch on the kind. All paths are opened relative to
// directory fds; a container's own limits stay owned by host root, only what the kernel's
// delegation rules name (cgroup.procs, cgroup.threads, cgroup.subtree_control; tasks on v1) and the
// directory itself is given to the container's root.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "spec/types.h"

namespace bulkhead::cgroup {

// What a container's cgroups are, as kept in the state file.
struct Location {
  enum class Driver { kCgroupfs, kSystemd };
  Driver driver = Driver::kCgroupfs;
  std::string path;                 // cgroupfs: "/docker/ID" below every hierarchy's mount point;
                                    // systemd: the unit's cgroup, once known
  std::string slice, prefix, name;  // systemd: parsed from "slice:prefix:name"
};

// One mounted hierarchy of the host as a container sees it below /sys/fs/cgroup.
struct View {
  std::string name;       // v1: "memory", "cpu,cpuacct", "systemd", "unified"; v2: "" (the root)
  UniqueFd directory;     // O_PATH of the container's cgroup in that hierarchy
  bool delegated = false;  // after delegate(): given to the container's root. A hierarchy that was
                           // withheld (see Manager::delegate) is best not shown where cgroups are
                           // writable: an inner engine skips what is not mounted, and fails on
                           // what it cannot write
};

// The fast way in, for a child that has not exec'ed yet. Moving *another* process costs a grace
// period of RCU (12 ms on Linux 6.18, for cgroup.procs and for v1's tasks alike); a single-threaded
// process that moves itself by "0" into v1's tasks pays about 10 us per hierarchy, and a clone3
// straight into a cgroup2 pays nothing.
struct Entrance {
  std::vector<UniqueFd> tasks;  // v1: for enter_self() in the child
  UniqueFd clone_into;          // cgroup2 (v2 and hybrid): clone_args.cgroup with
                                // CLONE_INTO_CGROUP; empty on hosts without cgroup2
};

// In the child, before exec, while it has one thread; async-signal-safe, no allocation. The fds may
// come from a more privileged parent: the kernel judges by the opener. Returns 0 or an errno.
// A cgroup namespace must be unshared only after this: its root is where the process is then.
int enter_self(std::span<const UniqueFd> tasks) noexcept;

struct Stats;    // cgroup/stats.h
class OomWatch;  // cgroup/oom.h

class Manager {
 public:
  virtual ~Manager() = default;

  // May be called before create() with the same resources: starts what takes time (the systemd
  // driver's helper, some 2 ms) without waiting for it.
  virtual Result<> prepare(const spec::Resources&) { return {}; }

  // Makes the cgroup(s), refuses one that exists with processes in it or that is frozen (crun hangs
  // on the latter), applies `resources` where the kernel wants it before processes enter.
  // `devices` are the complete rules in order (deny-all first where the caller wants it).
  // On error nothing that this call made is left.
  virtual Result<> create(const spec::Resources& resources) = 0;

  // Moves `pid` (host's view) into the cgroup(s). Slow: see Entrance. `init` is the container's
  // init when one runs (exec): cgroup2 lets no process into a cgroup whose controllers were enabled
  // from inside for its children, so the newcomer then goes where init is.
  virtual Result<> enter(pid_t pid, pid_t init = 0) = 0;

  // The same for a child that is still to be cloned.
  virtual Result<Entrance> entrance(pid_t init = 0) = 0;

  // To be told when the first process has come in by an Entrance (enter() tells itself): systemd's
  // scope needs one from its beginning, and the stand-in goes now.
  virtual void entered() {}

  // Gives the directory and the delegated files to the container's root (ids of the host). Limits
  // stay host root's. v1 hierarchies that would let a sub-cgroup shed a limit are withheld: blkio
  // while throttle limits are set (v1 throttling is not hierarchical), net_cls and net_prio (free
  // values, the host's traffic rules act on them).
  virtual Result<> delegate(uid_t uid, gid_t gid) = 0;

  // `update`: only the fields that are set change.
  virtual Result<> update(const spec::Resources& resources) = 0;

  virtual Result<> freeze(bool frozen) = 0;
  virtual Result<bool> is_frozen() const = 0;

  // Every process below the container's cgroup, sub-cgroups included (host's view).
  virtual Result<std::vector<pid_t>> processes() const = 0;

  // SIGKILL to all of them; by cgroup.kill where the kernel has it, else freeze-kill-thaw.
  virtual Result<> kill_all() = 0;

  // Removes the cgroup(s) with all descendants; retries EBUSY for at most `timeout_ms`. Absent
  // ones are no error.
  virtual Result<> destroy(int timeout_ms) = 0;

  virtual Result<Stats> stats() const = 0;

  // For `events`: a descriptor to poll and what it tells.
  virtual Result<OomWatch> watch_oom() const = 0;

  // For the container's /sys/fs/cgroup.
  virtual Result<std::vector<View>> views() const = 0;

  // For the state file: the location with what create() learned.
  virtual const Location& location() const = 0;

  // v1: path per controller for hooks' state and `state`'s consumers; v2: one entry "".
  virtual std::vector<std::pair<std::string, std::string>> paths() const = 0;
};

enum class Mode { kLegacy, kHybrid, kUnified };

// What the host has mounted below /sys/fs/cgroup.
Result<Mode> detect_mode();

// Parses linux.cgroupsPath. cgroupfs: absolute or relative path without ".."; empty:
// "/<default_parent>/<id>". systemd: "slice:prefix:name" (empty slice: system.slice).
//
// A relative path is taken as if it began with "/", below the mount point of every hierarchy (as
// crun does; runc puts it below its own cgroup, which differs from hierarchy to hierarchy and from
// caller to caller). Errors: "..", control characters, NUL, over-long names, the root cgroup.
inline constexpr std::string_view kDefaultParent = "bulkhead";
Result<Location> locate(std::string_view cgroups_path, std::string_view id, bool systemd);

// The manager for a location (a new one or one read back from state).
Result<std::unique_ptr<Manager>> make_manager(Location location);

}  // namespace bulkhead::cgroup
