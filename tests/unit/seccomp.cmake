bulkhead_unit_test(seccomp_test
  SOURCES unit/seccomp_filter_test.cc unit/seccomp_load_test.cc unit/seccomp_cache_test.cc
  DEPS seccomp base)
target_compile_definitions(seccomp_test PRIVATE
  BULKHEAD_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
target_link_libraries(seccomp_test PRIVATE boost_json seccomp)
