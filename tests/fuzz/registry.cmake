fuzz_target(fuzz_reference DEPS images)
fuzz_target(fuzz_manifest DEPS registry)
fuzz_target(fuzz_registry_http DEPS registry)
fuzz_target(fuzz_registry_protocol DEPS registry)
