#include <sys/mount.h>

#include <algorithm>

#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

Result<std::uint64_t> root_propagation(const std::string& name) {
  if (name.empty() || name == "private" || name == "rprivate") return 0;
  if (name == "shared" || name == "rshared") return MS_SHARED;
  if (name == "slave" || name == "rslave") return MS_SLAVE;
  if (name == "unbindable" || name == "runbindable") return MS_UNBINDABLE;
  return refuse(cat("linux.rootfsPropagation: unknown value \"", name, "\""));
}

Result<RootPlan> plan_root(const spec::Spec& spec, const Facts& facts) {
  bool idmapped = !is_mapped_by_engine(spec);
  return RootPlan{.path = spec.root->path,
                  .is_overlay = idmapped && facts.root_fs_type == "overlay",
                  .idmapped = idmapped,
                  .readonly = spec.root->readonly,
                  .propagation = TRY(root_propagation(spec.linux_.rootfs_propagation)),
                  .data_directories = plan_data_directories(spec, facts)};
}

}  // namespace

Result<Plan> make(const spec::Spec& spec, const policy::Policy& policy, const Facts& facts) {
  Plan plan;
  TRY(admit_features(spec));
  plan.namespaces = TRY(plan_namespaces(spec, facts));
  plan.new_network = std::ranges::any_of(
      plan.namespaces, [](const auto& ns) { return ns.type == "network" && ns.path.empty(); });
  plan.root = TRY(plan_root(spec, facts));
  plan.runs_init_system = spec.process && runs_init_system(*spec.process);
  plan_init_places(spec, plan);
  TRY(plan_mounts(spec, policy, facts, plan));
  plan_init_masks(plan);
  TRY(plan_devices(spec, policy, facts, plan));
  plan.sysctls = TRY(plan_sysctls(spec, plan.namespaces));
  for (const auto& path : spec.linux_.readonly_paths)
    plan.steps.push_back(ReadonlyPath{clean_path(path)});
  for (const auto& path : spec.linux_.masked_paths)
    plan.steps.push_back(MaskPath{clean_path(path)});
  return plan;
}

}  // namespace bulkhead::plan
