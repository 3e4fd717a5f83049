// The pure parts that make() is composed of; each in a file of its own.
#pragma once

#include "plan/plan.h"

namespace bulkhead::plan {

inline std::unexpected<Error> refuse(std::string message) {
  return fail("error in the container spec: " + std::move(message));
}

// admit.cc: namespaces (R3) and features that are refused by name.
Result<> admit_features(const spec::Spec& spec);
Result<std::vector<NamespacePlan>> plan_namespaces(const spec::Spec& spec, const Facts& facts);

// What a bind gives of its source: "ro" covers the mount itself, what is mounted below it stays
// writable without "rro".
struct Access {
  bool writable = true, writable_below = true;
};

// restricted.cc: judges one bind source (R4). Returns the paths, relative to the source, that must
// be masked (policy "mask"); an error when it is refused.
Result<std::vector<std::string>> judge_source(const Source& source, Access access,
                                              const policy::Policy& policy, const Facts& facts);

// mounts.cc
Result<> plan_mounts(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts,
                     Plan& plan);

// data_directories.cc: those of the facts that no mount of the spec is on or above.
std::vector<std::string> plan_data_directories(const spec::Spec& spec, const Facts& facts);

// init_system.cc: what an init system as the first process needs, before and after the spec's mounts.
bool runs_init_system(const spec::Process& process);
void plan_init_places(const spec::Spec& spec, Plan& plan);
void plan_init_masks(Plan& plan);

// devices.cc (R11): nodes, symlinks, the console, the cgroup's rules.
Result<> plan_devices(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts,
                      Plan& plan);

// sysctl.cc
Result<std::vector<Sysctl>> plan_sysctls(const spec::Spec& spec,
                                         const std::vector<NamespacePlan>& namespaces);

// Whether a mount of the spec is a bind (by type or by option).
bool is_bind(const spec::Mount& mount);

// Whether the configuration gives the id mappings (userns-remap, pods with hostUsers: false). The
// engine has then made the files fit, by chown or by idmapped mounts of its own: as with other
// runtimes only mounts that say so ("idmap", uidMappings) are idmapped.
bool is_mapped_by_engine(const spec::Spec& spec);

// Lexical: absolute, no "." or "..", no double slashes.
std::string clean_path(std::string_view path);
bool is_within(std::string_view path, std::string_view directory);  // or the same

}  // namespace bulkhead::plan
