bulkhead_unit_test(spec_test SOURCES unit/spec_read_test.cc unit/spec_errors_test.cc DEPS spec)
target_compile_definitions(spec_test PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
