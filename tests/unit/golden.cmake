bulkhead_unit_test(golden_test SOURCES golden/golden_test.cc DEPS plan)
target_include_directories(golden_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit)
target_compile_definitions(golden_test PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data"
                           GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/golden")
