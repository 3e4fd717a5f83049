bulkhead_unit_test(cli_test SOURCES unit/cli_test.cc DEPS cli)
