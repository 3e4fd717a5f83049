// The private mount namespace (M0) in which the set-up process builds, and the way back.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::runtime {

class PrivateMounts {
 public:
  // Unshares the caller's mount namespace. Mount events of the host still arrive (slave), none go
  // back.
  static Result<PrivateMounts> enter();
  // Back to the host's mounts, root and working directory. Also done on destruction; a process that
  // cannot get back ends at once rather than act on the container's files as if they were the host's.
  void leave();
  // The host's mount namespace, for hooks.
  BorrowedFd host() const { return host_.get(); }

  PrivateMounts(PrivateMounts&&) = default;
  PrivateMounts& operator=(PrivateMounts&&) = delete;
  ~PrivateMounts() { leave(); }

 private:
  PrivateMounts() = default;
  UniqueFd host_, root_, directory_;
};

}  // namespace bulkhead::runtime
