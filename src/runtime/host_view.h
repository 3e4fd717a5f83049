// The engine's view of a container's files while it lives: a FUSE mount over the engine's own
// overlay, served by a keeper process (keeper/host_view.h has the why and the how).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/store.h"

namespace bulkhead::runtime {

// Taken away again unless committed.
class HostView {
 public:
  // Mounts the view over state.rootfs (the caller is in the host's mount namespace) and starts its
  // keeper, which is not waited for; fills state.keeper_*. `root`: the container's root on a
  // detached mount, empty for a container that needs no view. A host without /dev/fuse or without
  // the keeper's program costs a warning, not the container: the engine sees its files as they were
  // at the start then.
  static HostView show(UniqueFd root, const Store& store, State& state);
  void commit() { state_ = nullptr; }

  HostView(HostView&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  HostView& operator=(HostView&&) = delete;
  ~HostView();

 private:
  explicit HostView(const State* state) : state_(state) {}
  static Result<> try_show(UniqueFd root, const Store& store, State& state);
  const State* state_;  // nullptr: nothing to take away
};

// Unmounts the view of a container, if it is the topmost mount of its root, and ends its keeper.
// Repeatable.
Result<> remove_host_view(const State& state);

// Takes views off `rootfs` in a mount namespace of the caller's own: a container made over a root
// whose view is still there needs the overlay beneath.
Result<> look_beneath_host_view(const std::string& rootfs);

}  // namespace bulkhead::runtime
