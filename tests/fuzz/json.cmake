fuzz_target(fuzz_json DEPS json)
