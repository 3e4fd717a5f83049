// What the set-up process and the container's init say to each other: fixed-size records over a
// SEQPACKET socket pair. Nothing in here allocates, so that the child's side can be used between
// clone and exec.
#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace bulkhead::sandbox {

struct Report {  // init -> set-up
  enum class Kind : std::uint32_t { kReady, kError, kListener, kNetwork };
  Kind kind = Kind::kReady;
  std::int32_t code = 0;  // errno
  char text[504] = {};    // what failed, without strerror
};

// A child's last words: sends the report (the parent adds strerror) and leaves.
[[noreturn]] void die(BorrowedFd sync, int code, const char* what, const char* object = nullptr);

}  // namespace bulkhead::sandbox
