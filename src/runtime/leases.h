// What a container holds of the host while it is being made; given back unless committed.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cgroup/cgroup.h"
#include "plan/plan.h"
#include "runtime/store.h"
#include "sandbox/launch.h"

namespace bulkhead::runtime {

// The range of ids (R1): of the pool, of the spec's mappings, or of the container whose user
// namespace is joined.
class IdLease {
 public:
  // Fills state.ids and state.owns_ids.
  static Result<IdLease> take(const spec::Spec& spec, const plan::Plan& plan, const plan::Facts& facts,
                              State& state);
  void commit() { id_.clear(); }
  IdLease(IdLease&& other) noexcept : id_(std::exchange(other.id_, "")) {}
  IdLease& operator=(IdLease&&) = delete;
  ~IdLease();

 private:
  explicit IdLease(std::string id) : id_(std::move(id)) {}
  std::string id_;
};

// Gives the range of a deleted container back; none is no error.
Result<> release_ids(const std::string& id);

class CgroupLease {
 public:
  static Result<CgroupLease> create(const spec::Spec& spec, const plan::Plan& plan, State& state);
  cgroup::Manager* operator->() { return manager_.get(); }
  cgroup::Manager& operator*() { return *manager_; }
  void commit() { owned_ = false; }
  CgroupLease(CgroupLease&& other) noexcept
      : manager_(std::move(other.manager_)), owned_(std::exchange(other.owned_, false)) {}
  CgroupLease& operator=(CgroupLease&&) = delete;
  ~CgroupLease();

 private:
  explicit CgroupLease(std::unique_ptr<cgroup::Manager> manager) : manager_(std::move(manager)) {}
  std::unique_ptr<cgroup::Manager> manager_;
  bool owned_ = true;
};

// Writes the init's pid and start time into the state.
Result<> record_init(pid_t pid, State& state, const Entry& entry);

}  // namespace bulkhead::runtime
