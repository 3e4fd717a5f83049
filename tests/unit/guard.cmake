bulkhead_unit_test(http_test SOURCES unit/http_message_test.cc unit/http_chunks_test.cc DEPS http)
bulkhead_unit_test(guard_test
                   SOURCES unit/guard_target_test.cc unit/guard_shape_test.cc unit/guard_route_test.cc
                           unit/guard_create_test.cc unit/guard_endpoints_test.cc unit/guard_audit_test.cc
                           unit/guard_engine_test.cc unit/guard_sockets_test.cc
                   DEPS guard)
