fuzz_target(fuzz_spec DEPS spec)
