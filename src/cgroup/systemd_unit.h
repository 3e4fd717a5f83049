// A container as a systemd scope: its name and the unit properties that stand for its resources.
// systemd writes what it knows of to the cgroup again at every daemon-reload, so limits must be
// properties too; what it does not know of is only in the cgroup's files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cgroup/cgroup.h"
#include "spec/types.h"

namespace bulkhead::cgroup {

// "docker-0123abc.scope".
std::string unit_name(const Location& location);

// Properties as bulkhead-scope takes them: "NAME=TYPE:VALUE" with D-Bus types (t: number or "max",
// s, b, ay: hexadecimal bytes, a(ss): "a b;c d").
Result<std::vector<std::string>> unit_properties(const spec::Resources& resources, bool unified);

// DevicePolicy and DeviceAllow, for v1, where systemd would otherwise reset devices.* to "all".
// `proc_devices`: the text of /proc/devices, which names the majors that systemd's wildcards need.
std::vector<std::string> device_properties(const spec::Resources& resources,
                                           std::string_view proc_devices);

// CPU or node list "0-2,7" as systemd's bit mask in hexadecimal, lowest byte first ("87"); empty
// where it is no plain list or goes above 8191.
std::string mask_from_list(std::string_view list);

// Microseconds of CPU time per second of time, rounded up to the 10 ms that systemd keeps.
std::uint64_t quota_per_second_us(std::int64_t quota_us, std::uint64_t period_us);

}  // namespace bulkhead::cgroup
