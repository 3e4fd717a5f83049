// What a container holds of the host while it is being made; given back unless committed.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cgroup/cgroup.h"
#include "plan/plan.h"
#include "policy/policy.h"
#include "runtime/store.h"
#include "sandbox/launch.h"

namespace bulkhead::runtime {

// The range of ids (R1): of the pool, of the spec's mappings, or of the container whose user
// namespace is joined.
class IdLease {
 public:
  // Fills state.ids and state.owns_user_ns.
  static Result<IdLease> take(const spec::Spec& spec, const plan::Plan& plan,
                              const policy::Policy& policy, const Store& store, State& state);
  void commit() { state_ = nullptr; }
  IdLease(IdLease&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  IdLease& operator=(IdLease&&) = delete;
  ~IdLease();

 private:
  explicit IdLease(const State* state) : state_(state) {}
  const State* state_;  // whose range is given back; nullptr: none
};

// Gives the range of a deleted container back; none is no error.
Result<> release_ids(const State& state);

class CgroupLease {
 public:
  // `entry` outlives the lease, and stays in the store when the cgroup cannot be removed.
  static Result<CgroupLease> create(const spec::Spec& spec, const plan::Plan& plan, State& state,
                                    Entry& entry);
  cgroup::Manager* operator->() { return manager_.get(); }
  cgroup::Manager& operator*() { return *manager_; }
  void commit() { owned_ = false; }
  CgroupLease(CgroupLease&& other) noexcept
      : manager_(std::move(other.manager_)), entry_(other.entry_), owned_(std::exchange(other.owned_, false)) {}
  CgroupLease& operator=(CgroupLease&&) = delete;
  ~CgroupLease();

 private:
  CgroupLease(std::unique_ptr<cgroup::Manager> manager, Entry& entry)
      : manager_(std::move(manager)), entry_(entry) {}
  std::unique_ptr<cgroup::Manager> manager_;
  Entry& entry_;
  bool owned_ = true;
};

// Writes the init's pid and start time into the state.
Result<> record_init(pid_t pid, State& state, const Entry& entry);

}  // namespace bulkhead::runtime
