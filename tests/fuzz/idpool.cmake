fuzz_target(fuzz_subid DEPS idpool base)
