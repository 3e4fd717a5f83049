fuzz_target(fuzz_seccomp_cache DEPS seccomp base)
