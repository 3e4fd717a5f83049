// A checked profile to a program, by libseccomp.
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "seccomp/enosys.h"
#include "seccomp/filter.h"
#include "seccomp/names.h"
#include "seccomp/profile.h"

namespace bulkhead::seccomp {
namespace {

// libseccomp up to 2.5.4 compiles a binary tree of no rules to "kill" (its issue 370), and a tree
// node holds four calls: below this a list is as fast.
constexpr std::size_t kTreeFrom = 32;

struct Context {
  scmp_filter_ctx value = nullptr;
  explicit Context(std::uint32_t default_action) : value(seccomp_init(default_action)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    if (value) seccomp_release(value);
  }
};

Result<std::vector<std::uint32_t>> add_architectures(scmp_filter_ctx context,
                                                     const spec::Seccomp& profile) {
  std::vector<std::uint32_t> tokens{seccomp_arch_native()};  // seccomp_init() put it in
  for (const auto& name : profile.architectures) {
    const std::uint32_t token = find_name(architectures(), name)->token;
    if (std::find(tokens.begin(), tokens.end(), token) != tokens.end()) continue;
    // EDOM: an architecture of the other byte order.
    if (int error = seccomp_arch_add(context, token); error < 0)
      return fail_errno(cat("linux.seccomp.architectures: ", name, " cannot be in one filter with "
                            "this machine's architecture"), -error);
    tokens.push_back(token);
  }
  return tokens;
}

scmp_arg_cmp to_comparison(const spec::SeccompArg& arg) {
  return {.arg = arg.index, .op = find_name(operators(), arg.op)->op, .datum_a = arg.value,
          .datum_b = arg.value_two};
}

// Two conditions on one argument would be a contradiction to libseccomp (it refuses them). The
// meaning that profiles rely on, set by early Docker: then every condition is a rule of its own.
bool are_alternatives(const std::vector<spec::SeccompArg>& args) {
  std::uint32_t seen = 0;
  for (const auto& arg : args) {
    if (seen & (1u << arg.index)) return true;
    seen |= 1u << arg.index;
  }
  return false;
}

int add_rule(scmp_filter_ctx context, std::uint32_t action, int number,
             const std::vector<scmp_arg_cmp>& comparisons, bool alternatives) {
  if (!alternatives)
    return seccomp_rule_add_array(context, action, number,
                                  static_cast<unsigned>(comparisons.size()), comparisons.data());
  for (const auto& comparison : comparisons)
    if (int error = seccomp_rule_add_array(context, action, number, 1, &comparison); error < 0)
      return error;
  return 0;
}

// Returns how many calls the rule put into the filter.
Result<std::size_t> add_rules(scmp_filter_ctx context, const spec::Seccomp& profile,
                              std::size_t index, std::uint32_t otherwise) {
  const spec::SeccompSyscall& rule = profile.syscalls[index];
  const std::uint32_t action = TRY(rule_action(profile, index));
  if (action == otherwise) return 0;  // libseccomp refuses such rules (EACCES)
  std::vector<scmp_arg_cmp> comparisons;
  comparisons.reserve(rule.args.size());
  for (const auto& arg : rule.args) comparisons.push_back(to_comparison(arg));
  const bool alternatives = are_alternatives(rule.args);
  std::size_t added = 0;
  for (const auto& name : rule.names) {
    const int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;
    if (int error = add_rule(context, action, number, comparisons, alternatives); error < 0)
      return fail_errno(cat(rule_key(index), ": ", name, ": libseccomp refuses the rule"), -error);
    ++added;
  }
  return added;
}

bool names_call(const spec::Seccomp& profile, std::string_view call) {
  return std::any_of(profile.syscalls.begin(), profile.syscalls.end(), [&](const auto& rule) {
    return std::find(rule.names.begin(), rule.names.end(), call) != rule.names.end();
  });
}

// The largest number over `at_least` whose call the profile names, found from the numbers' side.
std::uint32_t highest_named(const spec::Seccomp& profile, std::uint32_t token,
                            std::uint32_t at_least) {
  constexpr std::uint32_t kNumbers = 1024;  // twice what Linux has
  for (std::uint32_t number = kNumbers; number > at_least; --number) {
    const std::unique_ptr<char, void (*)(void*)> call(
        seccomp_syscall_resolve_num_arch(token, static_cast<int>(number)), free);
    if (call && names_call(profile, call.get())) return number;
  }
  return at_least;
}

std::optional<LastCall> last_call(const spec::Seccomp& profile, std::uint32_t token) {
  // What libseccomp answers for calls that an architecture also has behind socketcall(2) or
  // ipc(2), instead of the direct number. Calls that it does not have are below -10000.
  constexpr int kMultiplexed = -1000;
  std::optional<LastCall> last;
  bool has_multiplexed = false;
  for (const auto& rule : profile.syscalls) {
    for (const auto& name : rule.names) {
      const int number = seccomp_syscall_resolve_name_arch(token, name.c_str());
      has_multiplexed |= number < -1 && number > kMultiplexed;
      if (number < 0 || !is_ordered_by_age(token, static_cast<std::uint32_t>(number))) continue;
      const auto value = static_cast<std::uint32_t>(number);
      if (!last || value > last->number) last = LastCall{token, value};
    }
  }
  if (!has_multiplexed) return last;
  const std::uint32_t highest = highest_named(profile, token, last ? last->number : 0);
  return highest > 0 ? LastCall{token, highest} : last;
}

// A default action that lets calls through has no need of ENOSYS; a tracer answers by itself.
bool refuses(std::uint32_t action) {
  return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG &&
         (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE &&
         action != SCMP_ACT_ERRNO(ENOSYS);
}

// libseccomp 2.5 writes a program only to a file.
Result<> append_program(scmp_filter_ctx context, std::vector<sock_filter>& out) {
  UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return fail_errno("seccomp: memfd_create");
  if (int error = seccomp_export_bpf(context, file.get()); error < 0)
    return fail_errno("linux.seccomp: libseccomp cannot compile the profile", -error);
  struct stat info {};
  if (fstat(file.get(), &info) < 0) return fail_errno("seccomp: fstat of the compiled program");
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::size_t before = out.size();
  out.resize(before + size / sizeof(sock_filter));
  const ssize_t got = pread(file.get(), out.data() + before, size, 0);
  if (got != info.st_size || size % sizeof(sock_filter) != 0 || size == 0)
    return fail("seccomp: the compiled program cannot be read back");
  return {};
}

}  // namespace

Result<std::vector<sock_filter>> compile_program(const spec::Seccomp& profile) {
  const std::uint32_t otherwise = TRY(default_action(profile));
  Context context(otherwise);
  if (!context.value)
    return fail("linux.seccomp.defaultAction: libseccomp does not take it on this kernel");
  const auto tokens = TRY(add_architectures(context.value, profile));
  std::size_t rules = 0;
  for (std::size_t i = 0; i < profile.syscalls.size(); ++i)
    rules += TRY(add_rules(context.value, profile, i, otherwise));
  if (rules > kTreeFrom) seccomp_attr_set(context.value, SCMP_FLTATR_CTL_OPTIMIZE, 2);

  std::vector<LastCall> last_calls;
  if (refuses(otherwise))
    for (std::uint32_t token : tokens)
      if (auto last = last_call(profile, token)) last_calls.push_back(*last);
  std::vector<sock_filter> program = enosys_stub(last_calls);
  TRY(append_program(context.value, program));
  if (program.size() > BPF_MAXINSNS)
    return fail(cat("linux.seccomp: the profile compiles to ", program.size(),
                    " instructions; the kernel takes ", BPF_MAXINSNS));
  return program;
}

Result<Filter> compile(const spec::Seccomp& profile) {
  TRY(check(profile));
  Filter filter{.flags = TRY(flags_of(profile)), .has_notify = uses_notify(profile)};
  filter.program = TRY(compile_program(profile));
  return filter;
}

}  // namespace bulkhead::seccomp
