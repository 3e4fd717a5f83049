#include "sandbox/prepare.h"

#include <sched.h>
#include <sys/personality.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::sandbox {
namespace {

struct Name {
  std::string_view name;
  int value;
};

constexpr Name kLimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},         {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},     {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},     {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}, {"RLIMIT_STACK", RLIMIT_STACK}};
constexpr Name kPolicies[] = {{"SCHED_OTHER", SCHED_OTHER}, {"SCHED_FIFO", SCHED_FIFO},
                              {"SCHED_RR", SCHED_RR},       {"SCHED_BATCH", SCHED_BATCH},
                              {"SCHED_ISO", 4},             {"SCHED_IDLE", SCHED_IDLE},
                              {"SCHED_DEADLINE", 6}};
constexpr Name kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 1}, {"SCHED_FLAG_RECLAIM", 2}, {"SCHED_FLAG_DL_OVERRUN", 4},
    {"SCHED_FLAG_KEEP_POLICY", 8},   {"SCHED_FLAG_KEEP_PARAMS", 16},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", 32}, {"SCHED_FLAG_UTIL_CLAMP_MAX", 64}};
constexpr Name kIoClasses[] = {
    {"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};

template <std::size_t N>
Result<int> look_up(const Name (&table)[N], std::string_view name, std::string_view field) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.value;
  return fail(cat(field, ": unknown value \"", name, "\""));
}

Result<sys::CapabilityMask> mask_of(const std::vector<std::string>& names) {
  sys::CapabilityMask mask = 0;
  for (const auto& name : names) {
    auto number = sys::capability_number(name);
    if (!number) return fail(cat("process.capabilities: unknown capability ", name));
    mask |= sys::CapabilityMask{1} << *number;
  }
  return mask;
}

Result<> prepare_capabilities(const spec::Process& process, Prepared& out) {
  if (!process.capabilities) return {};
  const auto& names = *process.capabilities;
  out.has_capabilities = true;
  out.capabilities = {.bounding = TRY(mask_of(names.bounding)),
                      .effective = TRY(mask_of(names.effective)),
                      .permitted = TRY(mask_of(names.permitted)),
                      .inheritable = TRY(mask_of(names.inheritable)),
                      .ambient = TRY(mask_of(names.ambient))};
  // Capabilities that the runtime itself lacks on this host are still whole inside the user
  // namespace: the kernel gives its first process all of them. Nothing to reduce.
  out.capabilities.effective &= out.capabilities.permitted;
  out.capabilities.ambient &= out.capabilities.permitted & out.capabilities.inheritable;
  return {};
}

Result<> prepare_limits(const spec::Process& process, Prepared& out) {
  for (const auto& entry : process.rlimits) {
    int resource = TRY(look_up(kLimits, entry.type, "process.rlimits"));
    for (const auto& seen : out.limits)
      if (seen.resource == resource) return fail(cat("process.rlimits: ", entry.type, " twice"));
    if (entry.soft > entry.hard)
      return fail(cat("process.rlimits: ", entry.type, ": soft limit is above the hard limit"));
    out.limits.push_back({resource, {.rlim_cur = entry.soft, .rlim_max = entry.hard}, entry.type});
  }
  return {};
}

Result<> prepare_scheduling(const spec::Process& process, Prepared& out) {
  if (process.scheduler) {
    const auto& in = *process.scheduler;
    SchedulerAttributes attributes;
    attributes.policy =
        static_cast<std::uint32_t>(TRY(look_up(kPolicies, in.policy, "process.scheduler.policy")));
    for (const auto& flag : in.flags)
      attributes.flags |= static_cast<std::uint64_t>(
          TRY(look_up(kSchedulerFlags, flag, "process.scheduler.flags")));
    attributes.nice = in.nice;
    attributes.priority = static_cast<std::uint32_t>(in.priority);
    attributes.runtime_ns = in.runtime_ns;
    attributes.deadline_ns = in.deadline_ns;
    attributes.period_ns = in.period_ns;
    out.scheduler = attributes;
  }
  if (process.io_priority) {
    int io_class = TRY(look_up(kIoClasses, process.io_priority->io_class, "process.ioPriority.class"));
    if (process.io_priority->priority < 0 || process.io_priority->priority > 7)
      return fail("process.ioPriority.priority: must be 0 to 7");
    out.io_priority = io_class << 13 | process.io_priority->priority;
  }
  if (process.exec_cpu_affinity) {
    out.cpu_affinity_initial = TRY(parse_cpu_list(process.exec_cpu_affinity->initial));
    out.cpu_affinity_final = TRY(parse_cpu_list(process.exec_cpu_affinity->final));
  }
  return {};
}

void prepare_label(const spec::Process& process, Prepared& out) {
  auto exists = [](const char* path) { return ::access(path, F_OK) == 0; };
  if (!process.apparmor_profile.empty() && process.apparmor_profile != "unconfined") {
    if (exists("/sys/module/apparmor/parameters/enabled")) {
      out.exec_label = cat("exec ", process.apparmor_profile);
      out.exec_label_file = exists("/proc/self/attr/apparmor/exec") ? "attr/apparmor/exec" : "attr/exec";
    } else {
      out.warnings.push_back(cat("AppArmor is not on this host; profile ", process.apparmor_profile,
                                 " is not applied"));
    }
  }
  if (!process.selinux_label.empty()) {
    if (exists("/sys/fs/selinux/enforce")) {
      out.exec_label = process.selinux_label;
      out.exec_label_file = "attr/exec";
    } else {
      out.warnings.push_back("SELinux is not on this host; process.selinuxLabel is not applied");
    }
  }
}

Result<> check_strings(const spec::Process& process) {
  if (process.args.size() + process.env.size() > limits::kArgs)
    return fail(cat("process: more than ", limits::kArgs, " arguments and variables"));
  return {};
}

void point_to(std::vector<std::string>& strings, std::vector<char*>& pointers) {
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
}

}  // namespace

Result<std::vector<std::uint64_t>> parse_cpu_list(std::string_view list) {
  std::vector<std::uint64_t> words;
  if (trim(list).empty()) return words;
  for (std::string_view range : split(trim(list), ',')) {
    auto ends = split(range, '-');
    auto first = parse_decimal<unsigned>(trim(ends[0]));
    auto last = ends.size() == 2 ? parse_decimal<unsigned>(trim(ends[1])) : first;
    if (ends.size() > 2 || !first || !last || *last < *first || *last >= 8192)
      return fail(cat("CPU list \"", list, "\" is malformed"));
    words.resize(std::max<std::size_t>(words.size(), *last / 64 + 1));
    for (unsigned cpu = *first; cpu <= *last; ++cpu) words[cpu / 64] |= std::uint64_t{1} << cpu % 64;
  }
  return words;
}

Result<Prepared> prepare(const spec::Process& process, const std::string& personality_domain) {
  Prepared out;
  TRY(check_strings(process));
  out.args = process.args;
  out.env = process.env;
  bool has_home = std::ranges::any_of(out.env, [](const auto& v) { return v.starts_with("HOME="); });
  // As runc: HOME is set when it is missing. Without NSS the only home known is root's and "/".
  if (!has_home) out.env.emplace_back(process.user.uid == 0 ? "HOME=/root" : "HOME=/");
  for (const auto& variable : out.env)
    if (variable.starts_with("PATH=")) out.path_variable = variable.substr(5);
  point_to(out.args, out.argv);
  point_to(out.env, out.envp);
  out.cwd = process.cwd;
  out.uid = process.user.uid;
  out.gid = process.user.gid;
  out.groups = process.user.additional_gids;
  out.umask = process.user.umask;
  out.no_new_privileges = process.no_new_privileges;
  out.terminal = process.terminal;
  out.oom_score_adj = process.oom_score_adj;
  TRY(prepare_capabilities(process, out));
  TRY(prepare_limits(process, out));
  TRY(prepare_scheduling(process, out));
  if (personality_domain == "LINUX32") {
    out.personality = PER_LINUX32;
  } else if (personality_domain == "LINUX") {
    out.personality = PER_LINUX;
  } else if (!personality_domain.empty()) {
    return fail(cat("linux.personality.domain: unknown value \"", personality_domain, "\""));
  }
  prepare_label(process, out);
  return out;
}

}  // namespace bulkhead::sandbox
