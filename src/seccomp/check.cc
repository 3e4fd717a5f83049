// The checks come before the compiler and are complete, so that what libseccomp then refuses (with
// an errno and no object) is rare.
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "seccomp/filter.h"
#include "seccomp/names.h"
#include "seccomp/profile.h"

namespace bulkhead::seccomp {
namespace {

constexpr std::uint32_t kArguments = 6;  // of a system call

struct ActionKeys {
  std::string_view action, errno_ret;
};

// Errors begin with the key, without the object that holds it.
Result<std::uint32_t> to_action(const std::string& name,
                                const std::optional<std::uint32_t>& errno_ret, ActionKeys keys) {
  const ActionName* row = find_name(actions(), name);
  if (!row) return fail(cat(keys.action, ": unknown action \"", name, "\""));
  if (errno_ret && row->largest_data == 0)
    return fail(cat(keys.errno_ret, ": ", name, " takes no return code"));
  if (errno_ret && *errno_ret > row->largest_data)
    return fail(cat(keys.errno_ret, ": ", *errno_ret, " is over ", row->largest_data));
  if (row->largest_data == 0) return row->action;
  return row->action | errno_ret.value_or(EPERM);
}

Result<> check_arguments(const spec::SeccompSyscall& rule, std::size_t index) {
  for (std::size_t i = 0; i < rule.args.size(); ++i) {
    const spec::SeccompArg& arg = rule.args[i];
    if (arg.index >= kArguments)
      return fail(cat(rule_key(index), ".args[", i, "].index: ", arg.index,
                      " is not an argument of a system call (0 to 5)"));
    if (!find_name(operators(), arg.op))
      return fail(cat(rule_key(index), ".args[", i, "].op: unknown operator \"", arg.op, "\""));
  }
  return {};
}

Result<> check_notify(const spec::Seccomp& profile, std::size_t index) {
  const auto& names = profile.syscalls[index].names;
  if (std::find(names.begin(), names.end(), "write") != names.end())
    return fail(cat(rule_key(index), ".action: SCMP_ACT_NOTIFY cannot be used for the write "
                    "syscall: the runtime needs it to hand over the listener"));
  if (profile.listener_path.empty())
    return fail(cat("linux.seccomp.listenerPath: is not set, but ", rule_key(index),
                    " uses SCMP_ACT_NOTIFY: nobody would answer"));
  return {};
}

Result<> check_rule(const spec::Seccomp& profile, std::size_t index) {
  const spec::SeccompSyscall& rule = profile.syscalls[index];
  if (rule.names.empty()) return fail(cat(rule_key(index), ".names: names no syscall"));
  for (const auto& name : rule.names)
    if (name.empty()) return fail(cat(rule_key(index), ".names: an empty name"));
  const std::uint32_t action = TRY(rule_action(profile, index));
  TRY(check_arguments(rule, index));
  if (action == SCMP_ACT_NOTIFY) TRY(check_notify(profile, index));
  return {};
}

Result<> check_listener(const spec::Seccomp& profile) {
  if (profile.listener_path.empty() && !profile.listener_metadata.empty())
    return fail("linux.seccomp.listenerMetadata: is set without a listenerPath");
  return {};
}

}  // namespace

std::string rule_key(std::size_t index) { return cat("linux.seccomp.syscalls[", index, "]"); }

Result<std::uint32_t> default_action(const spec::Seccomp& profile) {
  auto action = to_action(profile.default_action, profile.default_errno_ret,
                          {"linux.seccomp.defaultAction", "linux.seccomp.defaultErrnoRet"});
  if (action && *action == SCMP_ACT_NOTIFY)
    return fail("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default action: the "
                "start of the container would wait for itself");
  return action;
}

Result<std::uint32_t> rule_action(const spec::Seccomp& profile, std::size_t index) {
  const spec::SeccompSyscall& rule = profile.syscalls[index];
  auto action = to_action(rule.action, rule.errno_ret, {".action", ".errnoRet"});
  if (!action) action.error().message.insert(0, rule_key(index));
  return action;
}

bool uses_notify(const spec::Seccomp& profile) {
  return std::any_of(profile.syscalls.begin(), profile.syscalls.end(),
                     [](const auto& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
}

Result<std::uint32_t> flags_of(const spec::Seccomp& profile) {
  if (profile.flags.empty()) return std::uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
  std::uint32_t out = 0;
  for (const auto& name : profile.flags) {
    const FlagName* row = find_name(flags(), name);
    if (!row) return fail(cat("linux.seccomp.flags: unknown flag \"", name, "\""));
    if (!kernel_takes_flag(row->flag))
      return fail(cat("linux.seccomp.flags: ", name, ": this kernel does not know it"));
    out |= row->flag;
  }
  out &= ~std::uint32_t{SECCOMP_FILTER_FLAG_TSYNC};
  if (!uses_notify(profile)) out &= ~std::uint32_t{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
  return out;
}

Result<> check(const spec::Seccomp& profile) {
  TRY(default_action(profile));
  for (const auto& name : profile.architectures)
    if (!find_name(architectures(), name))
      return fail(cat("linux.seccomp.architectures: unknown architecture \"", name, "\""));
  for (const auto& name : profile.flags)
    if (!find_name(flags(), name))
      return fail(cat("linux.seccomp.flags: unknown flag \"", name, "\""));
  TRY(check_listener(profile));
  for (std::size_t i = 0; i < profile.syscalls.size(); ++i) TRY(check_rule(profile, i));
  return {};
}

}  // namespace bulkhead::seccomp
