bulkhead_unit_test(ctl_test SOURCES unit/ctl_words_test.cc unit/ctl_explain_test.cc DEPS ctl)
