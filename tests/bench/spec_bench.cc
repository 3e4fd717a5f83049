// What `create` pays before it can plan: a Docker configuration and the policy. Budget: well under
// 0.3 ms together.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "json/read.h"
#include "policy/policy.h"
#include "spec/read.h"

namespace {

std::string load(const char* path) {
  std::string text(1 << 20, '\0');
  std::FILE* file = std::fopen(path, "r");
  if (!file) std::exit(1);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

const std::string& config() {
  static const std::string text = load(TEST_DATA "/specs/docker-20.10.json");
  return text;
}

void parse_docker_config(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bulkhead::json::parse(config()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * config().size()));
}
BENCHMARK(parse_docker_config);

void read_docker_config(benchmark::State& state) {
  for (auto _ : state) {
    auto spec = bulkhead::spec::read_spec(config());
    if (!spec) state.SkipWithError(spec.error().message.c_str());
    benchmark::DoNotOptimize(spec);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * config().size()));
}
BENCHMARK(read_docker_config);

void make_default_policy(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bulkhead::policy::default_policy());
}
BENCHMARK(make_default_policy);

void judge_a_bind(benchmark::State& state) {
  const auto policy = bulkhead::policy::default_policy();
  for (auto _ : state)
    benchmark::DoNotOptimize(bulkhead::policy::find_restriction(
        policy, "/var/lib/docker/containers/c/hosts", true, "/b"));
}
BENCHMARK(judge_a_bind);

}  // namespace

BENCHMARK_MAIN();
