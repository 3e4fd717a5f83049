// cgroupfs on a host with cgroup v2 alone: one cgroup, limits in it, the container's init in it.
//
// Init lives in the container's own cgroup, not in a leaf below: that is where every image expects
// itself (its memory.max and cpu.max are the files at the cgroup namespace's root, which JVMs and
// others read), and what nests controllers inside (systemd, docker:dind, kind's entry point) moves
// itself into a leaf first, as it must on any host. A later `exec` finds the root closed by the
// "no internal processes" rule then and goes where init is (enter.h).
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/make.h"
#include "cgroup/stats.h"

namespace bulkhead::cgroup {

class UnifiedManager final : public Manager {
 public:
  UnifiedManager(Host host, Location location, Existing existing = Existing::kReplace);

  // Why a cgroup of the container that exists could not be opened; 0: none, or it does not exist.
  int open_error() const { return open_error_; }

  Result<> create(const spec::Resources& resources) override;
  Result<> enter(pid_t pid, pid_t init) override;
  Result<Entrance> entrance(pid_t init) override;
  Result<> delegate(uid_t uid, gid_t gid) override;
  Result<> update(const spec::Resources& resources) override;
  Result<> freeze(bool frozen) override;
  Result<bool> is_frozen() const override;
  Result<std::vector<pid_t>> processes() const override;
  Result<> kill_all() override;
  Result<> destroy(int timeout_ms) override;
  Result<Stats> stats() const override;
  Result<OomWatch> watch_oom() const override;
  Result<std::vector<View>> views() const override;
  const Location& location() const override { return location_; }
  std::vector<std::pair<std::string, std::string>> paths() const override;

 private:
  Result<> set_up(const spec::Resources& resources);
  Result<> apply(const spec::Resources& resources);
  Result<> must_exist() const;

  Host host_;
  Location location_;
  Existing existing_;
  int open_error_ = 0;
  UniqueFd directory_;    // O_PATH; empty where the container has no cgroup
  std::size_t made_ = 0;  // trailing components of the path that create() made
};

// Enables for `root`/`path` all controllers that the mount's root has, down the path. A cgroup on
// the way that has processes lets only some through ("no internal processes"): limits of the
// others fail by name later. Errors: the cgroup's files cannot be read.
Result<> enable_controllers(BorrowedFd root, const std::string& path);

}  // namespace bulkhead::cgroup
