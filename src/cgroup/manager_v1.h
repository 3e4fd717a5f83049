// cgroupfs on v1 and hybrid hosts: one cgroup of the same path in every mounted hierarchy, the
// controller-less ones included (name=systemd, hybrid's cgroup2), so that whatever the container
// runs is found, counted and killed through any of them.
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/device_rules.h"
#include "cgroup/host.h"
#include "cgroup/make.h"
#include "cgroup/stats.h"

namespace bulkhead::cgroup {

class LegacyManager final : public Manager {
 public:
  LegacyManager(Host host, Location location, Existing existing = Existing::kReplace);

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
  struct Group {
    Hierarchy hierarchy;
    UniqueFd directory;    // O_PATH; empty where the container has no cgroup
    std::size_t made = 0;  // trailing components of the path that create() made
  };

  Result<> set_up(const spec::Resources& resources);
  Result<> apply_devices(const DevicePolicy& policy, bool fresh);
  Result<> refuse_frozen() const;
  bool may_delegate(const Group& group) const;
  BorrowedFd find(std::string_view controller) const;  // -1: not mounted
  BorrowedFd unified() const;
  Result<BorrowedFd> any_group() const;  // where processes are best listed

  Host host_;
  Location location_;
  Existing existing_;
  int open_error_ = 0;
  std::vector<Group> groups_;
  bool throttled_ = false;
};

}  // namespace bulkhead::cgroup
