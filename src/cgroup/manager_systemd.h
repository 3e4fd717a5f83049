// The systemd driver: systemd makes the cgroup (a transient scope with Delegate=yes), cgroupfs does
// the rest. sd-bus has no static library, so bulkhead-scope speaks D-Bus (src/scope); it also is
// the process that a scope must have from its first moment on, until the container's own is in.
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/oom.h"
#include "cgroup/scope_helper.h"
#include "cgroup/stats.h"

namespace bulkhead::cgroup {

class SystemdManager final : public Manager {
 public:
  SystemdManager(Mode mode, Location location);

  Result<> prepare(const spec::Resources& resources) override;
  Result<> create(const spec::Resources& resources) override;
  Result<> enter(pid_t pid, pid_t init) override;
  Result<Entrance> entrance(pid_t init) override;
  void entered() override;
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
  Result<> open_inner();
  Result<Manager*> inner() const;
  Result<> update_unit(const spec::Resources& resources);

  Mode mode_;
  Location location_;
  ScopeHelper holder_;
  std::unique_ptr<Manager> inner_;  // cgroupfs, once the unit's cgroup is known
};

}  // namespace bulkhead::cgroup
