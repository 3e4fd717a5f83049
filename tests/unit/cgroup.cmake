bulkhead_unit_test(cgroup_test SOURCES unit/cgroup_locate_test.cc unit/cgroup_settings_test.cc
                   unit/cgroup_devices_test.cc DEPS cgroup)
# Makes real cgroups: needs root, works below /bulkhead-test-<pid> and removes it.
bulkhead_unit_test(cgroup_host_test SOURCES unit/cgroup_v1_test.cc DEPS cgroup)
# The same with cgroup2 mounted on /sys/fs/cgroup in a mount namespace of its own.
bulkhead_unit_test(cgroup_v2_test SOURCES unit/cgroup_v2_test.cc DEPS cgroup)
