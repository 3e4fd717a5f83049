bulkhead_unit_test(cgroup_test SOURCES unit/cgroup_locate_test.cc unit/cgroup_settings_test.cc
                   unit/cgroup_devices_test.cc unit/cgroup_stats_test.cc DEPS cgroup)
# Makes real cgroups: needs root, works below /bulkhead-test-<pid> and removes it.
bulkhead_unit_test(cgroup_host_test SOURCES unit/cgroup_v1_test.cc DEPS cgroup)
# The same with cgroup2 mounted on /sys/fs/cgroup in a mount namespace of its own.
bulkhead_unit_test(cgroup_v2_test SOURCES unit/cgroup_v2_test.cc DEPS cgroup)
# The systemd driver against a stand-in for systemd on a socket of its own.
if(TARGET bulkhead-scope)
  bulkhead_unit_test(cgroup_systemd_test SOURCES unit/cgroup_systemd_test.cc DEPS cgroup)
  target_link_libraries(cgroup_systemd_test PRIVATE PkgConfig::SYSTEMD)
  add_dependencies(cgroup_systemd_test bulkhead-scope)
endif()
add_executable(cgroup_bench EXCLUDE_FROM_ALL bench/cgroup_bench.cc)
target_link_libraries(cgroup_bench PRIVATE bulkhead_cgroup)
