bulkhead_unit_test(fetch_test SOURCES unit/fetch_confine_test.cc DEPS fetch)
