bulkhead_unit_test(policy_test SOURCES unit/policy_test.cc unit/policy_pattern_test.cc DEPS policy)
