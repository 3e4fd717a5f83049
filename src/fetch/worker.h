// One reference is resolved by one process: what a registry sends can break or hold up only the
// answer about itself. The process has the rights of its parent (none), a deadline, and one pipe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fetch/curl_client.h"
#include "registry/resolve.h"

namespace bulkhead::fetch {

class Worker {
 public:
  // Starts to resolve. `keep_out`: the guard's socket, which the worker must not have.
  static Result<Worker> start(const images::Reference& reference,
                              const std::optional<registry::Served>& known,
                              const registry::ResolveSettings& settings, const CurlSettings& curl,
                              BorrowedFd keep_out);

  Worker(Worker&& other) noexcept;
  Worker& operator=(Worker&&) = delete;
  ~Worker();  // killed and reaped

  BorrowedFd pipe() const { return pipe_.get(); }  // readable when there is something for read()
  std::int64_t deadline_ms() const { return deadline_ms_; }  // CLOCK_MONOTONIC

  // Takes what has come. True: the answer is complete, or there will be none; see result().
  bool read();
  // What the worker says; an error when it ended without a word.
  registry::Resolution result() const;

 private:
  Worker() = default;
  pid_t pid_ = -1;
  UniqueFd pipe_;
  std::int64_t deadline_ms_ = 0;
  std::string received_;
};

std::int64_t monotonic_ms();

}  // namespace bulkhead::fetch
