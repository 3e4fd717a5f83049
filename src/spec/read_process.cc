// The "process" object: what `create` starts and what `exec --process` adds.
#include "base/strings.h"
#include "spec/tables.h"

namespace bulkhead::spec {

using json::field;
using json::fields;
using json::kRequired;
using json::one_of;
using json::Path;
using json::Table;

namespace {

constexpr std::string_view kSchedulerPolicies[] = {
    "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE",
    "SCHED_DEADLINE"};
constexpr std::string_view kSchedulerFlags[] = {
    "SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",     "SCHED_FLAG_DL_OVERRUN",
    "SCHED_FLAG_KEEP_POLICY",    "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
    "SCHED_FLAG_UTIL_CLAMP_MAX"};
constexpr std::string_view kIoClasses[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
                                           "IOPRIO_CLASS_IDLE"};

Result<> check_process(Process& process, const Path& path) {
  if (process.args.empty()) return json::fail_at(Path(path, "args"), "must not be empty");
  // execve would fail with a bare ENOENT, long after this object is out of sight.
  if (process.args.front().empty())
    return json::fail_at(Path(path, "args"), "the first one, the program, must not be empty");
  for (std::size_t i = 0; i < process.rlimits.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (process.rlimits[i].type == process.rlimits[j].type)
        return json::fail_at(Path(Path(path, "rlimits"), i),
                             cat(process.rlimits[i].type, " is there twice"));
  return {};
}

Result<> check_rlimit(Rlimit& limit, const Path& path) {
  if (limit.soft > limit.hard)
    return json::fail_at(path, cat("soft limit ", limit.soft, " is above hard limit ", limit.hard));
  return {};
}

Result<> check_scheduler(Scheduler& scheduler, const Path& path) {
  Path flags_path(path, "flags");
  for (std::size_t i = 0; i < scheduler.flags.size(); ++i) {
    bool is_known = false;
    for (auto flag : kSchedulerFlags) is_known = is_known || flag == scheduler.flags[i];
    if (!is_known)
      return json::not_one_of(Path(flags_path, i), scheduler.flags[i], kSchedulerFlags);
  }
  return {};
}

}  // namespace

Table<User> fields_of(std::type_identity<User>) {
  static constexpr auto kFields = fields<User>({
      {"uid", field<&User::uid, ReadId{}>, kRequired},
      {"gid", field<&User::gid, ReadId{}>, kRequired},
      {"umask", field<&User::umask, ReadBetween<0, 07777>{}>},
      {"additionalGids", field<&User::additional_gids, ReadId{}>},
  });
  return {kFields};
}

Table<ConsoleSize> fields_of(std::type_identity<ConsoleSize>) {
  using Size = ReadBetween<0, 65535>;  // struct winsize has unsigned short
  static constexpr auto kFields = fields<ConsoleSize>({
      {"width", field<&ConsoleSize::width, Size{}>, kRequired},
      {"height", field<&ConsoleSize::height, Size{}>, kRequired},
  });
  return {kFields};
}

Table<Capabilities> fields_of(std::type_identity<Capabilities>) {
  static constexpr auto kFields = fields<Capabilities>({
      {"bounding", field<&Capabilities::bounding>},
      {"effective", field<&Capabilities::effective>},
      {"permitted", field<&Capabilities::permitted>},
      {"inheritable", field<&Capabilities::inheritable>},
      {"ambient", field<&Capabilities::ambient>},
  });
  return {kFields};
}

Table<Rlimit> fields_of(std::type_identity<Rlimit>) {
  static constexpr auto kFields = fields<Rlimit>({
      {"type", field<&Rlimit::type>, kRequired},
      {"soft", field<&Rlimit::soft>, kRequired},
      {"hard", field<&Rlimit::hard>, kRequired},
  });
  return {kFields, check_rlimit};
}

Table<Scheduler> fields_of(std::type_identity<Scheduler>) {
  static constexpr auto kFields = fields<Scheduler>({
      {"policy", one_of<&Scheduler::policy, kSchedulerPolicies>, kRequired},
      {"nice", field<&Scheduler::nice, ReadBetween<-20, 19>{}>},
      {"priority", field<&Scheduler::priority, ReadBetween<0, 99>{}>},
      {"flags", field<&Scheduler::flags>},
      {"runtime", field<&Scheduler::runtime_ns>},
      {"deadline", field<&Scheduler::deadline_ns>},
      {"period", field<&Scheduler::period_ns>},
  });
  return {kFields, check_scheduler};
}

Table<IoPriority> fields_of(std::type_identity<IoPriority>) {
  static constexpr auto kFields = fields<IoPriority>({
      {"class", one_of<&IoPriority::io_class, kIoClasses>, kRequired},
      {"priority", field<&IoPriority::priority, ReadBetween<0, 7>{}>},
  });
  return {kFields};
}

Table<CpuAffinity> fields_of(std::type_identity<CpuAffinity>) {
  static constexpr auto kFields = fields<CpuAffinity>({
      {"initial", field<&CpuAffinity::initial>},
      {"final", field<&CpuAffinity::final>},
  });
  return {kFields};
}

Table<Process> fields_of(std::type_identity<Process>) {
  using Strings = ReadAtMost<limits::kArgs>;
  static constexpr auto kFields = fields<Process>({
      {"terminal", field<&Process::terminal>},
      {"consoleSize", field<&Process::console_size>},
      {"user", field<&Process::user>},
      {"args", field<&Process::args, Strings{}>, kRequired},
      {"env", field<&Process::env, Strings{}>},
      {"cwd", field<&Process::cwd, ReadAbsolutePath{}>, kRequired},
      {"capabilities", field<&Process::capabilities>},
      {"rlimits", field<&Process::rlimits, ReadAtMost<64>{}>},
      {"noNewPrivileges", field<&Process::no_new_privileges>},
      {"apparmorProfile", field<&Process::apparmor_profile>},
      {"selinuxLabel", field<&Process::selinux_label>},
      {"oomScoreAdj", field<&Process::oom_score_adj, ReadBetween<-1000, 1000>{}>},
      {"scheduler", field<&Process::scheduler>},
      {"ioPriority", field<&Process::io_priority>},
      {"execCPUAffinity", field<&Process::exec_cpu_affinity>},
  });
  return {kFields, check_process};
}

}  // namespace bulkhead::spec
