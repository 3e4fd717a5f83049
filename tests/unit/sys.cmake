bulkhead_unit_test(sys_test SOURCES unit/sys_test.cc DEPS sys)
