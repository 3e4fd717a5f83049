// The plan: everything that will be done to make a container, as values, in order. Made by pure
// functions from the spec, the policy and the facts; printed by `bulkhead plan`; executed by
// sandbox/, which decides nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/facts.h"
#include "policy/policy.h"
#include "spec/types.h"

namespace bulkhead::plan {

// Attributes of a mount, decoded from its options.
struct MountFlags {
  std::uint64_t set = 0, clear = 0;                      // MOUNT_ATTR_*
  std::uint64_t recursive_set = 0, recursive_clear = 0;  // "rro" and friends
  std::uint64_t propagation = 0;                         // MS_*, 0: leave
  bool propagation_recursive = false;
  bool bind = false, recursive = false;
  bool copy_up = false;                                  // tmpcopyup
  std::vector<std::pair<std::string, std::string>> data;  // for the file system: {"mode", "755"}
};

// A new file system: proc, sysfs, mqueue, devpts, tmpfs.
struct MountFileSystem {
  std::string target, type, source;
  MountFlags flags;
};
struct MountCgroup {
  std::string target;
  MountFlags flags;
  bool init_writable = false;  // read-only, but for the hierarchy that an init system keeps its units in
};
struct MountBind {
  std::string target;
  std::size_t source = 0;  // index into the spec's mounts and the facts' sources
  std::string source_path;
  MountFlags flags;
  bool idmapped = true;            // to the container's user namespace
  bool is_node = false;            // a device: the only source whose nodes can be opened
  bool unmapped_readonly = false;  // policy: where the file system cannot be idmapped, as it is, read-only
  bool into_proc = false;  // a file over one of /proc that the specification allows
  bool is_directory = true;
};
// A device node on the container's /dev (a tmpfs of the initial user namespace, where nodes work),
// owned by container ids; bound from the host where /dev is something else.
struct MakeNode {
  std::string path;
  char type = 'c';
  std::uint32_t major = 0, minor = 0, mode = 0666, uid = 0, gid = 0;
};
struct MakeSymlink {
  std::string path, target;
};
struct MakeConsole {};
struct MaskPath {
  std::string path;
};
struct ReadonlyPath {
  std::string path;
};

using Step = std::variant<MountFileSystem, MountCgroup, MountBind, MakeNode, MakeSymlink,
                          MakeConsole, MaskPath, ReadonlyPath>;

struct RootPlan {
  std::string path;
  bool is_overlay = false;  // re-composed from its idmapped layers
  bool idmapped = true;     // false: the engine gave the mappings and has made the files fit
  bool readonly = false;
  std::uint64_t propagation = 0;  // MS_SHARED, ...: of "/" inside
  // Directories that are those of the upper layer itself, not of the overlay (sandbox/data_directory.h).
  std::vector<std::string> data_directories;
};

struct Sysctl {
  std::string key, value;  // "net.ipv4.ip_forward"
  enum class Namespace { kNetwork, kIpc, kUts } where = Namespace::kNetwork;
};

struct NamespacePlan {
  std::string type, path;  // path empty: a new one
};

struct Plan {
  std::vector<NamespacePlan> namespaces;  // user and cgroup always among them
  bool new_network = false;               // bring lo up
  RootPlan root;
  std::vector<Step> steps;
  std::vector<Sysctl> sysctls;
  std::vector<spec::DeviceRule> device_rules;
  bool runs_init_system = false;          // systemd or the like is the first process
  std::vector<std::string> environment;   // of the first process, besides the spec's
  std::vector<std::string> warnings;
};

// Judges the spec against the policy (R3, R4, R11; features that are refused by name) and makes the
// plan. Errors carry the exact texts of SPEC.md ("error in the container spec: ...").
Result<Plan> make(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts);

std::string print(const Plan& plan);

// Decodes mount options. Unknown ones become data for the file system, as mount(8) does.
Result<MountFlags> decode_options(const std::vector<std::string>& options);
// The option names, for `features`.
std::vector<std::string> known_mount_options();

}  // namespace bulkhead::plan
