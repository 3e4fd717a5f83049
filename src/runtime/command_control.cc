// pause, resume, update; checkpoint and restore refused by name.
#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"
#include "runtime/command.h"
#include "runtime/lifecycle.h"
#include "spec/read.h"
#include "sys/file.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kUpdateOptions[] = {
    {"resources", 'r', "FILE", "resources as JSON (- for stdin); the options below are then ignored"},
    {"blkio-weight", 0, "N", "block I/O weight, 10 to 1000"},
    {"cpu-period", 0, "US", "CPU period in microseconds"},
    {"cpu-quota", 0, "US", "CPU quota in microseconds"},
    {"cpu-burst", 0, "US", "CPU burst in microseconds"},
    {"cpu-share", 0, "N", "CPU shares"},
    {"cpu-rt-period", 0, "US", "realtime period"},
    {"cpu-rt-runtime", 0, "US", "realtime runtime"},
    {"cpuset-cpus", 0, "LIST", "CPUs"},
    {"cpuset-mems", 0, "LIST", "memory nodes"},
    {"cpu-idle", 0, "N", "SCHED_IDLE for the cgroup (0 or 1)"},
    {"memory", 0, "BYTES", "memory limit"},
    {"memory-reservation", 0, "BYTES", "soft memory limit"},
    {"memory-swap", 0, "BYTES", "memory and swap; -1: unlimited"},
    {"kernel-memory", 0, "BYTES", "accepted; kernels no longer have it"},
    {"kernel-memory-tcp", 0, "BYTES", "TCP buffer limit (cgroup v1)"},
    {"pids-limit", 0, "N", "processes; -1: unlimited"},
};

Result<std::optional<std::int64_t>> number(const cli::Parsed& parsed, const char* option) {
  if (!parsed.has(option)) return std::optional<std::int64_t>();
  auto value = parse_decimal<std::int64_t>(parsed.get(option));
  if (!value) return fail(cat("--", option, " ", parsed.get(option), ": must be a whole number"));
  return value;
}

// Writes an option's number into an optional field of whatever integer type.
template <typename T>
Result<> set(const cli::Parsed& parsed, const char* option, std::optional<T>& field) {
  if (auto value = TRY(number(parsed, option))) field = static_cast<T>(*value);
  return {};
}

Result<spec::Resources> resources_from_options(const cli::Parsed& parsed) {
  spec::Resources out;
  auto& cpu = out.cpu.emplace();
  TRY(set(parsed, "cpu-period", cpu.period));
  TRY(set(parsed, "cpu-quota", cpu.quota));
  TRY(set(parsed, "cpu-burst", cpu.burst));
  TRY(set(parsed, "cpu-share", cpu.shares));
  TRY(set(parsed, "cpu-rt-period", cpu.realtime_period));
  TRY(set(parsed, "cpu-rt-runtime", cpu.realtime_runtime));
  TRY(set(parsed, "cpu-idle", cpu.idle));
  cpu.cpus = parsed.get("cpuset-cpus");
  cpu.mems = parsed.get("cpuset-mems");
  auto& memory = out.memory.emplace();
  TRY(set(parsed, "memory", memory.limit));
  TRY(set(parsed, "memory-reservation", memory.reservation));
  TRY(set(parsed, "memory-swap", memory.swap));
  TRY(set(parsed, "kernel-memory-tcp", memory.kernel_tcp));
  TRY(set(parsed, "pids-limit", out.pids_limit));
  std::optional<std::uint16_t> weight;
  TRY(set(parsed, "blkio-weight", weight));
  if (weight) out.block_io.emplace().weight = weight;
  return out;
}

Result<int> run_update(Context& context, const cli::Parsed& parsed) {
  auto container = TRY(load(context, parsed.arguments[0]));
  TRY(container.entry.lock());
  spec::Resources resources;
  if (parsed.has("resources")) {
    std::string file = parsed.get("resources");
    std::string text = file == "-" ? TRY(sys::read_all(STDIN_FILENO, limits::kConfigBytes, "stdin"))
                                   : TRY(sys::read_file(file, limits::kConfigBytes));
    resources = TRY_IN(file, spec::read_resources(text));
  } else {
    resources = TRY(resources_from_options(parsed));
  }
  resources.devices.clear();  // policy's, fixed at create
  auto manager = TRY(cgroup::make_manager(container.state.cgroup));
  TRY(manager->update(resources));
  return 0;
}

Result<int> set_frozen(Context& context, const cli::Parsed& parsed, bool frozen) {
  auto container = TRY(load(context, parsed.arguments[0]));
  TRY(container.entry.lock());
  Status status = TRY(status_of(container.entry, container.state));
  bool fits = frozen ? status == Status::kRunning || status == Status::kCreated : status == Status::kPaused;
  if (!fits)
    return fail(cat("container ", container.state.id, " is ", name(status), ": cannot ",
                    frozen ? "pause" : "resume"));
  auto manager = TRY(cgroup::make_manager(container.state.cgroup));
  TRY(manager->freeze(frozen));
  return 0;
}

Result<int> run_pause(Context& context, const cli::Parsed& parsed) {
  return set_frozen(context, parsed, true);
}

Result<int> run_resume(Context& context, const cli::Parsed& parsed) {
  return set_frozen(context, parsed, false);
}

Result<int> run_checkpoint(Context&, const cli::Parsed&) {
  return fail("checkpoint is not supported by bulkhead");
}

Result<int> run_restore(Context&, const cli::Parsed&) {
  return fail("restore is not supported by bulkhead");
}

constexpr Command kCommands[] = {
    {"pause", "CONTAINER", 1, 1, "freeze the container's processes", {}, run_pause},
    {"resume", "CONTAINER", 1, 1, "thaw the container's processes", {}, run_resume},
    {"update", "CONTAINER", 1, 1, "change resource limits", kUpdateOptions, run_update},
    {"checkpoint", "CONTAINER", 0, -1, "not supported", {}, run_checkpoint},
    {"restore", "CONTAINER", 0, -1, "not supported", {}, run_restore},
};

}  // namespace

std::span<const Command> control_commands() { return kCommands; }

}  // namespace bulkhead::runtime
