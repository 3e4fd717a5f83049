bulkhead_unit_test(json_test SOURCES unit/json_read_test.cc unit/json_write_test.cc
                   unit/json_fields_test.cc DEPS json)
