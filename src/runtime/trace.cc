#include "runtime/trace.h"

#include <time.h>

#include <iterator>

#include "base/strings.h"

namespace bulkhead::runtime {
namespace {

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

Trace::Trace() : start_ns_(now_ns()) {}

void Trace::mark(const char* stage) {
  if (count_ < std::size(marks_)) marks_[count_++] = {stage, now_ns()};
}

std::string Trace::text() const {
  std::string out;
  std::uint64_t before = start_ns_;
  for (std::size_t i = 0; i < count_; ++i) {
    out += cat(marks_[i].stage, " ", (marks_[i].ns - before) / 1000, "\n");
    before = marks_[i].ns;
  }
  return out + cat("total ", (before - start_ns_) / 1000, "\n");
}

}  // namespace bulkhead::runtime
