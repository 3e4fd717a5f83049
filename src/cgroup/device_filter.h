// The device policy of cgroup v2: an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, which the
// kernel asks at every open and mknod of a device node. Written in the instruction set itself: the
// program is a chain of comparisons, and a library for that (libbpf) would add 500 KB.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/device_rules.h"

namespace bulkhead::cgroup {

// The program: rules from last to first. Each access bit asked for (an open O_RDWR asks for two at
// once) is settled by the last rule that matches it: allowed bits are struck off, a denied one ends
// in 0, none left ends in 1; bits that no rule settles follow the default.
std::vector<bpf_insn> assemble_device_filter(const DevicePolicy& policy);

// Loads it and attaches it to the cgroup `dir` (any fd of it) beside programs of others (systemd's:
// all must say yes). One of ours that is there is replaced without a gap. A policy that allows all
// takes ours away and attaches nothing.
// Errors: no permission for bpf(2). There is no fallback: a user namespace keeps the container from
// making device nodes, but not from opening one that a bind mount shows, so a policy with a denial
// that cannot be enforced fails.
Result<> attach_device_filter(BorrowedFd dir, const DevicePolicy& policy);

}  // namespace bulkhead::cgroup
