#include "runtime/events.h"

#include <poll.h>
#include <stdio.h>

#include "base/strings.h"
#include "json/write.h"
#include "runtime/lifecycle.h"

namespace bulkhead::runtime {
namespace {

void memory_entry(json::Writer& out, const char* key, const cgroup::MemoryCounter& counter) {
  out.key(key).begin_object();
  out.field("limit", counter.limit)
      .field("usage", counter.usage)
      .field("max", counter.max)
      .field("failcnt", counter.failcnt);
  out.end_object();
}

void block_io(json::Writer& out, const cgroup::Stats& stats) {
  out.key("blkio").begin_object();
  for (const auto& [name, entries] : stats.block_io) {
    out.key(name).begin_array();
    for (const auto& entry : entries)
      out.begin_object()
          .field("major", entry.major)
          .field("minor", entry.minor)
          .field("op", entry.op)
          .field("value", entry.value)
          .end_object();
    out.end_array();
  }
  out.end_object();
}

void print_line(const std::string& line) {
  fwrite(line.data(), 1, line.size(), stdout);
  fputc('\n', stdout);
  fflush(stdout);
}

std::string oom_event(const std::string& id) {
  json::Writer out;
  out.begin_object().field("type", "oom").field("id", id).end_object();
  return std::move(out).take();
}

}  // namespace

std::string stats_event(const std::string& id, const cgroup::Stats& stats) {
  json::Writer out;
  out.begin_object().field("type", "stats").field("id", id);
  out.key("data").begin_object();
  out.key("cpu").begin_object();
  out.key("usage").begin_object();
  out.field("total", stats.cpu_total_ns).field("kernel", stats.cpu_kernel_ns).field("user", stats.cpu_user_ns);
  if (!stats.cpu_percpu_ns.empty()) out.field("percpu", stats.cpu_percpu_ns);
  out.end_object();
  out.key("throttling").begin_object();
  out.field("periods", stats.throttling_periods)
      .field("throttledPeriods", stats.throttled_periods)
      .field("throttledTime", stats.throttled_time_ns);
  out.end_object().end_object();
  out.key("memory").begin_object().field("cache", stats.memory_cache);
  memory_entry(out, "usage", stats.memory);
  memory_entry(out, "swap", stats.swap);
  memory_entry(out, "kernel", stats.kernel);
  memory_entry(out, "kernelTCP", stats.kernel_tcp);
  out.field("raw", stats.memory_raw).end_object();
  out.key("pids").begin_object().field("current", stats.pids_current).field("limit", stats.pids_limit).end_object();
  block_io(out, stats);
  out.key("hugetlb").begin_object();
  for (const auto& [size, counter] : stats.hugetlb) memory_entry(out, size.c_str(), counter);
  out.end_object().end_object().end_object();
  return std::move(out).take();
}

Result<int> follow_events(const State& state, cgroup::Manager& manager, int interval_ms) {
  UniqueFd init = TRY(open_init(state));
  std::uint64_t ooms = TRY(manager.stats()).oom_kills;
  while (true) {
    pollfd end{init.get(), POLLIN, 0};
    int ready = ::poll(&end, 1, interval_ms);
    if (ready < 0 && errno != EINTR) return fail_errno("poll");
    auto stats = manager.stats();
    if (!stats) return ready > 0 ? Result<int>(0) : std::unexpected(stats.error());
    if (stats->oom_kills > ooms) print_line(oom_event(state.id));
    ooms = stats->oom_kills;
    if (ready > 0) return 0;
    print_line(stats_event(state.id, *stats));
  }
}

}  // namespace bulkhead::runtime
