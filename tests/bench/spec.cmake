add_executable(spec_bench spec_bench.cc)
target_compile_definitions(spec_bench PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/../data")
target_link_libraries(spec_bench PRIVATE bulkhead_spec bulkhead_policy benchmark::benchmark)
