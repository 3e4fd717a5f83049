// The plan as text, for `bulkhead plan` and the golden tests: one line a step.
#include <sys/mount.h>

#include "base/strings.h"
#include "plan/plan.h"

namespace bulkhead::plan {
namespace {

std::string octal(std::uint32_t mode) {
  std::string out;
  for (; mode != 0; mode /= 8) out.insert(out.begin(), static_cast<char>('0' + mode % 8));
  return "0" + out;
}

const char* propagation_name(std::uint64_t flag) {
  return flag == MS_PRIVATE ? "private" : flag == MS_SHARED ? "shared"
         : flag == MS_SLAVE ? "slave" : "unbindable";
}

std::string attributes(std::uint64_t set) {
  struct Name {
    std::uint64_t bit;
    const char* text;
  };
  static constexpr Name kNames[] = {
      {MOUNT_ATTR_RDONLY, "ro"},     {MOUNT_ATTR_NOSUID, "nosuid"},
      {MOUNT_ATTR_NODEV, "nodev"},   {MOUNT_ATTR_NOEXEC, "noexec"},
      {MOUNT_ATTR_NOATIME, "noatime"}, {MOUNT_ATTR_STRICTATIME, "strictatime"},
      {MOUNT_ATTR_NODIRATIME, "nodiratime"}, {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"}};
  std::vector<std::string> parts;
  for (const auto& name : kNames)
    if (set & name.bit) parts.emplace_back(name.text);
  return join(parts, ",");
}

std::string flags_text(const MountFlags& flags) {
  std::string out;
  if (flags.set) out += cat(" set=", attributes(flags.set));
  if (flags.clear & ~std::uint64_t{MOUNT_ATTR__ATIME}) out += cat(" clear=", attributes(flags.clear));
  if (flags.recursive_set) out += cat(" all=", attributes(flags.recursive_set));
  if (flags.propagation)
    out += cat(" propagation=", flags.propagation_recursive ? "r" : "",
               propagation_name(flags.propagation));
  if (flags.copy_up) out += " copy-up";
  for (const auto& [key, value] : flags.data) out += cat(" ", key, value.empty() ? "" : "=", value);
  return out;
}

struct Printer {
  std::string operator()(const MountFileSystem& s) const {
    return cat("mount ", s.type, " ", s.target, flags_text(s.flags));
  }
  std::string operator()(const MountCgroup& s) const {
    return cat("mount cgroup ", s.target, s.init_writable ? " init-writable" : "", flags_text(s.flags));
  }
  std::string operator()(const MountBind& s) const {
    return cat("bind", s.flags.recursive ? " recursive " : " ", s.source_path, " ", s.target,
               s.is_directory ? "" : " file", s.idmapped ? " idmapped" : "", flags_text(s.flags));
  }
  std::string operator()(const MakeNode& s) const {
    return cat("node ", s.path, " ", std::string(1, s.type), " ", s.major, ":", s.minor, " ",
               octal(s.mode), " ", s.uid, ":", s.gid);
  }
  std::string operator()(const MakeSymlink& s) const {
    return cat("symlink ", s.path, " -> ", s.target);
  }
  std::string operator()(const MakeConsole&) const { return "console /dev/console"; }
  std::string operator()(const MaskPath& s) const { return cat("mask ", s.path); }
  std::string operator()(const ReadonlyPath& s) const { return cat("readonly ", s.path); }
};

}  // namespace

std::string print(const Plan& plan) {
  std::string out;
  for (const auto& ns : plan.namespaces)
    out += cat("namespace ", ns.type, ns.path.empty() ? " new" : " join ", ns.path, "\n");
  out += cat("root ", plan.root.path, plan.root.is_overlay ? " overlay of idmapped layers"
             : plan.root.idmapped ? " idmapped" : " with the engine's ids",
             plan.root.readonly ? " ro" : "",
             plan.root.propagation ? cat(" propagation=", propagation_name(plan.root.propagation)) : "",
             "\n");
  for (const auto& path : plan.root.data_directories) out += cat("data directory ", path, "\n");
  for (const auto& step : plan.steps) out += std::visit(Printer{}, step) + "\n";
  for (const auto& sysctl : plan.sysctls) out += cat("sysctl ", sysctl.key, "=", sysctl.value, "\n");
  for (const auto& r : plan.device_rules)
    out += cat("device ", r.allow ? "allow " : "deny ", std::string(1, r.type), " ",
               r.major.value_or(-1) < 0 ? "*" : std::to_string(*r.major), ":",
               r.minor.value_or(-1) < 0 ? "*" : std::to_string(*r.minor), " ", r.access, "\n");
  for (const auto& entry : plan.environment) out += cat("environment ", entry, "\n");
  out += "lock all mounts\n";
  for (const auto& warning : plan.warnings) out += cat("warning ", warning, "\n");
  return out;
}

}  // namespace bulkhead::plan
