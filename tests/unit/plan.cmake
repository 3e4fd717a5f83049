bulkhead_unit_test(plan_test
  SOURCES unit/plan_admit_test.cc unit/plan_data_directories_test.cc unit/plan_devices_test.cc unit/plan_init_system_test.cc
          unit/plan_mounts_test.cc
          unit/plan_restricted_test.cc unit/plan_sysctl_test.cc
  DEPS plan)
