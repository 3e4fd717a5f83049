// Classic BPF as seccomp runs it: a filter becomes a function from seccomp_data to an action.
// Anything outside the subset that libseccomp and we emit throws: a test must not guess.
#pragma once

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

namespace bulkhead::testing {

struct Evaluation {
  std::uint32_t action = 0;  // SECCOMP_RET_* with data
  std::size_t steps = 0;     // instructions executed
};

class BpfEvaluator {
 public:
  explicit BpfEvaluator(std::span<const sock_filter> program) : program_(program) {}

  Evaluation run(const seccomp_data& data) const {
    std::uint32_t a = 0;
    std::size_t steps = 0;
    for (std::size_t pc = 0; pc < program_.size(); ++pc) {
      const sock_filter& op = program_[pc];
      ++steps;
      switch (op.code) {
        case BPF_LD | BPF_W | BPF_ABS: a = load(data, op.k); break;
        case BPF_ALU | BPF_AND | BPF_K: a &= op.k; break;
        case BPF_JMP | BPF_JA: pc += op.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: pc += a == op.k ? op.jt : op.jf; break;
        case BPF_JMP | BPF_JGT | BPF_K: pc += a > op.k ? op.jt : op.jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: pc += a >= op.k ? op.jt : op.jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: pc += (a & op.k) ? op.jt : op.jf; break;
        case BPF_RET | BPF_K: return {op.k, steps};
        default: throw std::runtime_error("instruction outside of the subset");
      }
    }
    throw std::runtime_error("ran off the end");
  }

 private:
  static std::uint32_t load(const seccomp_data& data, std::uint32_t offset) {
    if (offset % 4 != 0 || offset + 4 > sizeof data) throw std::runtime_error("load out of bounds");
    std::uint32_t value;
    std::memcpy(&value, reinterpret_cast<const char*>(&data) + offset, sizeof value);
    return value;
  }

  std::span<const sock_filter> program_;
};

}  // namespace bulkhead::testing
