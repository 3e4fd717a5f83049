// The process of a container or an exec with every name turned into what system calls take.
// Prepared before anything is made, so that a bad value costs nothing, and so that nothing is
// allocated between clone and exec.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "seccomp/filter.h"
#include "spec/types.h"
#include "sys/capability.h"

namespace bulkhead::sandbox {

struct ResourceLimit {
  int resource = 0;
  rlimit limit{};
  std::string name;
};

struct SchedulerAttributes {  // struct sched_attr, VER1
  std::uint32_t size = 56, policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0, deadline_ns = 0, period_ns = 0;
  std::uint32_t util_min = 0, util_max = 0;
};

struct Prepared {
  std::vector<std::string> args, env;
  std::vector<char*> argv, envp;  // into args and env, null-terminated
  std::string path_variable;      // $PATH of env
  std::string cwd;
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  std::optional<std::uint32_t> umask;
  bool has_capabilities = false;
  sys::CapabilitySets capabilities;
  bool no_new_privileges = false;
  bool terminal = false;
  std::vector<ResourceLimit> limits;
  std::optional<int> oom_score_adj;
  std::optional<SchedulerAttributes> scheduler;
  std::optional<int> io_priority;
  std::optional<unsigned long> personality;
  std::vector<std::uint64_t> cpu_affinity_final;  // mask words; empty: leave
  std::vector<std::uint64_t> cpu_affinity_initial;
  std::string exec_label;                 // to write to attr/exec, "" for none
  std::string exec_label_file;            // "attr/exec" or "attr/apparmor/exec"
  seccomp::Filter filter;
  std::vector<std::string> warnings;

  Prepared() = default;
  Prepared(Prepared&&) = default;
  Prepared& operator=(Prepared&&) = default;
};

// Errors name the field: "process.capabilities: unknown capability CAP_X". `personality_domain` is
// linux.personality's.
Result<Prepared> prepare(const spec::Process& process, const std::string& personality_domain);

// "0-3,7" -> mask words.
Result<std::vector<std::uint64_t>> parse_cpu_list(std::string_view list);

}  // namespace bulkhead::sandbox
