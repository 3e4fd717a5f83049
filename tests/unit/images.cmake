bulkhead_unit_test(images_test SOURCES unit/images_reference_test.cc unit/images_verdict_test.cc DEPS images)
