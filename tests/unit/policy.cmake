bulkhead_unit_test(policy_test SOURCES unit/policy_test.cc unit/policy_pattern_test.cc
                   unit/policy_commands_test.cc unit/policy_endpoints_test.cc unit/policy_live_test.cc DEPS policy)
