bulkhead_unit_test(idpool_test
  SOURCES unit/idpool_test.cc unit/idpool_crash_test.cc unit/idpool_subid_test.cc
  DEPS idpool base)
