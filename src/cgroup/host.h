// What the host has mounted on /sys/fs/cgroup. Found by listing that directory and asking each
// entry's file system type: some 40 cheap system calls, where /proc/self/mountinfo costs the more
// the more containers the host runs (and every container brings mounts).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"

namespace bulkhead::cgroup {

struct Hierarchy {
  std::string name;  // the directory below the root: "memory", "cpu,cpuacct", "systemd", "unified"
  bool unified = false;  // cgroup2
  // True when `controller` ("cpu") is one of the comma-separated names of a v1 hierarchy.
  bool has(std::string_view controller) const;
};

struct Host {
  Mode mode = Mode::kLegacy;
  UniqueFd root;                      // O_PATH of the mount point
  std::vector<Hierarchy> hierarchies;  // kUnified: one, named "."
};

inline constexpr const char* kMountPoint = "/sys/fs/cgroup";

// Errors: nothing usable is mounted on /sys/fs/cgroup.
Result<Host> find_host();

}  // namespace bulkhead::cgroup
