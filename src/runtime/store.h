// Containers on disk: <root>/<id>/ with state.json (ours, 0600, replaced atomically), config.json
// (the configuration as created) and start (a FIFO: `start` writes the byte that the init waits
// for, so its absence says "started"). Status is derived, never stored.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "sandbox/namespaces.h"
#include "spec/types.h"

namespace bulkhead::runtime {

struct State {
  std::string id, bundle, rootfs, created;  // created: RFC 3339 with nanoseconds
  pid_t pid = 0;                            // of the init in the host's pid namespace; 0: not yet
  std::uint64_t start_ticks = 0;            // with the pid, its identity
  pid_t keeper_pid = 0;                     // of the process that serves the engine's view; 0: none
  std::uint64_t keeper_start_ticks = 0;
  sandbox::HostIds ids;
  bool owns_user_ns = false;                // a new user namespace, not a joined one
  bool systemd = false;
  cgroup::Location cgroup;
};

enum class Status { kCreating, kCreated, kRunning, kPaused, kStopped };
const char* name(Status status);

// An entry of the store. A new one removes itself unless committed.
class Entry {
 public:
  Entry(Entry&& other) noexcept
      : parent_(other.parent_), directory_(std::move(other.directory_)), id_(std::move(other.id_)),
        temporary_(std::exchange(other.temporary_, false)) {}
  Entry& operator=(Entry&&) = delete;
  ~Entry();

  const std::string& id() const { return id_; }
  BorrowedFd directory() const { return directory_.get(); }

  Result<> write(const State& state) const;
  Result<State> read() const;
  Result<spec::Spec> config() const;
  bool is_waiting_to_start() const;  // the FIFO is there
  // Lets the init go on; once only.
  Result<> start() const;
  // One command at a time for this container, until the entry goes.
  Result<> lock() const;
  void commit() { temporary_ = false; }
  Result<> remove();

 private:
  friend class Store;
  Entry(BorrowedFd parent, UniqueFd directory, std::string id, bool temporary)
      : parent_(parent), directory_(std::move(directory)), id_(std::move(id)), temporary_(temporary) {}
  BorrowedFd parent_;
  UniqueFd directory_;
  std::string id_;
  bool temporary_;
};

class Store {
 public:
  // Makes `root` (0711) when missing.
  static Result<Store> open(std::string_view root);

  // Errors: an id that is not one path component of [A-Za-z0-9_+.-], one that exists.
  // `config`: the text of config.json. `fifo`: receives the read end for the init.
  Result<Entry> create(std::string_view id, std::string_view config, UniqueFd& fifo) const;
  // "container "ID" does not exist" when it does not.
  Result<Entry> find(std::string_view id) const;
  Result<std::vector<std::string>> ids() const;

 private:
  explicit Store(UniqueFd directory) : directory_(std::move(directory)) {}
  UniqueFd directory_;
};

// The status of a container now. Pause is asked of its cgroup.
Result<Status> status_of(const Entry& entry, const State& state);
bool is_alive(const State& state);

}  // namespace bulkhead::runtime
