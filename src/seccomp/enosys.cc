#include "seccomp/enosys.h"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "seccomp/names.h"

namespace bulkhead::seccomp {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;       // __X32_SYSCALL_BIT
constexpr std::uint32_t kArmPrivate = 0x000f0000;   // __ARM_NR_BASE

// One architecture as the kernel reports it. x86-64 and x32 share theirs.
struct Section {
  std::uint32_t audit_arch = 0;
  const LastCall* main = nullptr;
  const LastCall* x32 = nullptr;
};

using Program = std::vector<sock_filter>;

void load(Program& out, std::size_t offset) {
  out.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}

void jump(Program& out, std::uint16_t test, std::uint32_t value, std::uint8_t if_true,
          std::uint8_t if_false) {
  out.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, if_true,
                         if_false));
}

// The tests on the call number, each jumping to one of the two instructions that end the section:
// [size] "to the filter", [size + 1] "return ENOSYS".
Program number_tests(const Section& section) {
  struct Test {
    std::uint16_t op;
    std::uint32_t value;
    enum To { kNext, kNextButOne, kFilter, kEnosys } if_true, if_false;
  };
  std::vector<Test> tests;
  const std::uint32_t token = section.main ? section.main->token : SCMP_ARCH_X32;
  // s390 passes numbers over 255 in a register behind call 0: unknown ones arrive as 0.
  if (token == SCMP_ARCH_S390 || token == SCMP_ARCH_S390X)
    tests.push_back({BPF_JEQ, 0, Test::kEnosys, Test::kNext});
  if (token == SCMP_ARCH_ARM) tests.push_back({BPF_JGE, kArmPrivate, Test::kFilter, Test::kNext});
  if (section.audit_arch == audit_arch_of(SCMP_ARCH_X32)) {
    // Of the two ABIs, one that is not in the filter is the filter's to refuse.
    auto to_x32 = !section.x32 ? Test::kFilter : section.main ? Test::kNextButOne : Test::kNext;
    tests.push_back({BPF_JSET, kX32Bit, to_x32, section.main ? Test::kNext : Test::kFilter});
  }
  if (section.main)
    tests.push_back({BPF_JGT, section.main->number, Test::kEnosys, Test::kFilter});
  if (section.x32) tests.push_back({BPF_JGT, section.x32->number, Test::kEnosys, Test::kFilter});

  Program out;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    auto distance = [&](Test::To to) -> std::uint8_t {
      const auto to_end = static_cast<std::uint8_t>(tests.size() - i - 1);
      switch (to) {
        case Test::kNext: return 0;
        case Test::kNextButOne: return 1;
        case Test::kFilter: return to_end;
        case Test::kEnosys: break;
      }
      return static_cast<std::uint8_t>(to_end + 1);
    };
    jump(out, tests[i].op, tests[i].value, distance(tests[i].if_true),
         distance(tests[i].if_false));
  }
  return out;
}

std::vector<Section> by_audit_arch(std::span<const LastCall> last_calls) {
  std::vector<Section> sections;
  for (const LastCall& last : last_calls) {
    const std::uint32_t arch = audit_arch_of(last.token);
    auto at = std::find_if(sections.begin(), sections.end(),
                           [&](const Section& s) { return s.audit_arch == arch; });
    if (at == sections.end()) at = sections.insert(at, Section{.audit_arch = arch});
    (last.token == SCMP_ARCH_X32 ? at->x32 : at->main) = &last;
  }
  return sections;
}

}  // namespace

bool is_ordered_by_age(std::uint32_t token, std::uint32_t number) {
  return token != SCMP_ARCH_ARM || number < kArmPrivate;
}

std::vector<sock_filter> enosys_stub(std::span<const LastCall> last_calls) {
  if (last_calls.empty()) return {};
  Program out;
  std::vector<std::size_t> to_filter;  // unconditional jumps, whose distance the end decides
  load(out, offsetof(seccomp_data, arch));
  for (const Section& section : by_audit_arch(last_calls)) {
    const Program tests = number_tests(section);
    const std::size_t section_size = 1 + tests.size() + 2;
    jump(out, BPF_JEQ, section.audit_arch, 0, static_cast<std::uint8_t>(section_size));
    load(out, offsetof(seccomp_data, nr));
    out.insert(out.end(), tests.begin(), tests.end());
    to_filter.push_back(out.size());
    out.push_back(BPF_STMT(BPF_JMP | BPF_JA, 0));
    out.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  }
  for (std::size_t at : to_filter) out[at].k = static_cast<std::uint32_t>(out.size() - at - 1);
  return out;
}

}  // namespace bulkhead::seccomp
