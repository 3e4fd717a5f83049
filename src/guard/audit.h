// The audit log: one JSON line for every decision. Bodies and credentials never get here; of the
// query the parameters that carry secrets are named without their values.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guard/request.h"
#include "guard/verdict.h"

namespace bulkhead::guard {

struct Caller {
  std::string listener;  // the socket that the request came by
  uid_t uid = 0;
  pid_t pid = 0;
  std::shared_ptr<const Holder> holder;  // of a container's socket; nullptr: a client on the host
};

class Audit {
 public:
  // Appends to `path` (made 0600); an empty path: standard error.
  static Result<Audit> open(std::string_view path);

  // One line. `route` is the pattern of the row that matched, "" for none.
  void record(const Caller& caller, const Request& request, std::string_view route,
              const Verdict<>& verdict) const;

 private:
  UniqueFd file_;
};

// The target with the values of parameters that carry secrets left out.
std::string shown_target(Target target);

// The line that record() writes, without its time. For tests.
std::string audit_line(std::string_view time, const Caller& caller, const Request& request,
                       std::string_view route, const Verdict<>& verdict);

}  // namespace bulkhead::guard
