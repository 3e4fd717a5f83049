// Resources of the specification as writes to control files: pure tables, so that every conversion
// is tested without a kernel. Absent values, and those that Docker sends for "not asked"
// (cpu.shares 0, blockIO.weight 0, memory.limit 0, ...), make no write at all: setting nothing is
// no error, even where the controller is missing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "spec/types.h"

namespace bulkhead::cgroup {

struct Setting {
  std::string controller;       // "memory"
  std::string key;              // "memory.limit", as named in the specification
  std::string file, value;
  std::string other_file, other_value;  // where the kernel has these instead of `file`
  bool optional = false;        // the kernel may lack the file: nothing to do then
  bool swap_on_einval = false;  // EINVAL: the *next* setting has to be written first (a limit may
                                // only rise after the one above it has, and fall before it does)
  bool keep_first_word = false;  // `value` follows the file's present first word (cpu.max's quota)
};

// Errors: values that the kernel would clamp or that contradict each other, by name; features that
// the hierarchy has no file for at all (unified on v1; realtime, network, leaf weight on v2).
Result<std::vector<Setting>> settings_v1(const spec::Resources& resources);
Result<std::vector<Setting>> settings_v2(const spec::Resources& resources);

// Warnings about values that no longer do anything, for the log.
std::vector<std::string> ignored_settings(const spec::Resources& resources, bool unified);

// cpu.shares (2..262144, 1024 is one share) -> cpu.weight (1..10000, 100 is one share): the curve
// through (2,1), (1024,100), (262144,10000) that runc and crun agreed on. 0 stays 0: unset.
std::uint64_t weight_from_shares(std::uint64_t shares);

// blkio weight (10..1000) -> io.weight (1..10000), linear as runc's. 0 stays 0.
std::uint64_t io_weight_from_blkio(std::uint64_t weight);

// memory.swap (memory and swap together, -1 unlimited) -> memory.swap.max (swap alone) as text;
// empty: leave as it is. Errors: a swap limit without or below the memory limit.
Result<std::string> swap_max(std::int64_t memory_and_swap, std::int64_t memory);

// For both tables: a name that becomes part of a control file's name or of a line in one.
Result<> check_name(std::string_view name, std::string_view key);
Result<> add_rdma(const std::map<std::string, spec::RdmaLimit>& rdma, std::vector<Setting>& out);

}  // namespace bulkhead::cgroup
