bulkhead_unit_test(registry_test SOURCES unit/registry_parse_test.cc unit/registry_protocol_test.cc
                   unit/registry_resolve_test.cc unit/registry_desk_test.cc DEPS registry)
