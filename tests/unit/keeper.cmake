bulkhead_unit_test(keeper_test SOURCES unit/keeper_id_shift_test.cc unit/keeper_nodes_test.cc DEPS keeper)
