// --trace-setup: where the time of `create` goes. Stages are of one list; the meter is a handful of
// clock readings and costs nothing worth switching off.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::runtime {

class Trace {
 public:
  Trace();
  // The stage that ends now.
  void mark(const char* stage);
  // "stage microseconds" lines, the total last.
  std::string text() const;

 private:
  struct Mark {
    const char* stage;
    std::uint64_t ns;
  };
  Mark marks_[32];
  std::size_t count_ = 0;
  std::uint64_t start_ns_;
};

}  // namespace bulkhead::runtime
