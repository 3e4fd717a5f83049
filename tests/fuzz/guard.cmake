fuzz_target(fuzz_http DEPS http)
fuzz_target(fuzz_guard_target DEPS guard)
fuzz_target(fuzz_guard_body DEPS guard)
