// What `create` pays for the engine's seccomp profile: a hit, its parts, and a miss.
#include <benchmark/benchmark.h>

#include "../unit/scratch_dir.h"
#include "../unit/seccomp_profile.h"
#include "seccomp/cache.h"
#include "seccomp/filter.h"

namespace {

using namespace bulkhead;

const spec::Seccomp& docker() {
  static const auto profile = testing::load_profile("docker-default-seccomp.json");
  return profile;
}

void check(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::check(docker()));
}
BENCHMARK(check)->Unit(benchmark::kMicrosecond);

void canonical_bytes(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) benchmark::DoNotOptimize(size = seccomp::canonical_bytes(docker()).size());
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK(canonical_bytes)->Unit(benchmark::kMicrosecond);

void cache_key(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::cache_key(docker()));
}
BENCHMARK(cache_key)->Unit(benchmark::kMicrosecond);

void cache_hit(benchmark::State& state) {
  testing::ScratchDir dir;
  if (!seccomp::compile_cached(docker(), dir.fd())) state.SkipWithError("compile");
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::compile_cached(docker(), dir.fd()));
}
BENCHMARK(cache_hit)->Unit(benchmark::kMicrosecond);

void compile(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) benchmark::DoNotOptimize(size = seccomp::compile(docker())->program.size());
  state.counters["instructions"] = static_cast<double>(size);
}
BENCHMARK(compile)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
