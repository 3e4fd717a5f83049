fuzz_target(fuzz_policy DEPS policy)
