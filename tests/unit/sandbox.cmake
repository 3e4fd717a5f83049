bulkhead_unit_test(sandbox_test
  SOURCES unit/sandbox_hooks_test.cc unit/sandbox_layers_test.cc unit/sandbox_overlay_test.cc unit/sandbox_prepare_test.cc
          unit/sandbox_target_test.cc
  DEPS sandbox)
