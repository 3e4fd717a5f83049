# The process that is tested limits its address space, of which sanitizers need terabytes.
if(NOT BULKHEAD_SANITIZE)
  bulkhead_unit_test(fetch_test SOURCES unit/fetch_confine_test.cc DEPS fetch)
endif()
