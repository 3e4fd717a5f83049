// What `create` and `delete` pay for a range, with 0 and with 4095 other containers alive.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include "../unit/scratch_dir.h"
#include "base/strings.h"
#include "idpool/pool.h"

namespace {

using namespace bulkhead;

const idpool::Config kConfig{.blocks = {{100000, 4096}}};
const idpool::IsAlive kAlive = [](std::string_view) { return true; };

void fill(const testing::ScratchDir& dir, std::int64_t live) {
  for (std::int64_t i = 0; i < live; ++i)
    if (!idpool::allocate(dir.fd(), kConfig, cat("0123456789abcdef0123456789abcdef-", i), kAlive))
      abort();
}

// A new container each time: the first free range is found behind all the live ones.
void allocate_and_release(benchmark::State& state) {
  testing::ScratchDir dir;
  fill(dir, state.range(0));
  std::int64_t i = 0;
  for (auto _ : state) {
    const std::string id = cat("fedcba9876543210fedcba9876543210-", i++);
    if (!idpool::allocate(dir.fd(), kConfig, id, kAlive)) state.SkipWithError("allocate");
    if (!idpool::release(dir.fd(), id, "")) state.SkipWithError("release");
  }
}
BENCHMARK(allocate_and_release)->Arg(0)->Arg(4095)->Unit(benchmark::kMicrosecond);

void lookup(benchmark::State& state) {
  testing::ScratchDir dir;
  fill(dir, state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(idpool::lookup(dir.fd(), "nobody"));
}
BENCHMARK(lookup)->Arg(0)->Arg(4095)->Unit(benchmark::kMicrosecond);

void read_config(benchmark::State& state) {
  const int etc = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (auto _ : state) benchmark::DoNotOptimize(idpool::read_config(etc, "bulkhead"));
  close(etc);
}
BENCHMARK(read_config)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
