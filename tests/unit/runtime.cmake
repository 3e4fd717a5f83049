bulkhead_unit_test(runtime_store_test SOURCES unit/runtime_store_test.cc DEPS runtime)
