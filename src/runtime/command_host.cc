// spec, features, plan.
#include <fcntl.h>
#include <stdio.h>

#include "base/strings.h"
#include "json/write.h"
#include "plan/plan.h"
#include "runtime/bundle.h"
#include "runtime/command.h"
#include "runtime/facts.h"
#include "seccomp/filter.h"
#include "spec/default_spec.h"
#include "sys/capability.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kSpecOptions[] = {
    {"bundle", 'b', "DIR", "where config.json is written (default: the working directory)"},
    {"rootless", 0, nullptr, "accepted; every container has a user namespace"},
};

void print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

Result<int> run_spec(Context&, const cli::Parsed& parsed) {
  std::string directory = parsed.has("bundle") ? parsed.get("bundle") : ".";
  UniqueFd bundle = TRY(sys::open_path(directory, O_PATH | O_DIRECTORY));
  auto file = sys::open_at(bundle.get(), "config.json", O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file && file.error().code == EEXIST)
    return fail("File config.json exists. Remove it first");
  if (!file) return std::unexpected(file.error());
  std::string text = spec::default_spec();
  if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno("write config.json");
  return 0;
}

Result<int> run_features(Context&, const cli::Parsed&) {
  std::vector<std::string> namespaces, capabilities;
  for (const auto& kind : sys::kNamespaceKinds) namespaces.emplace_back(kind.oci_name);
  for (unsigned number = 0; number <= sys::last_capability(); ++number)
    capabilities.push_back(sys::capability_name(number));
  json::Writer out(json::Writer::Style::kPretty);
  out.begin_object().field("ociVersionMin", "1.0.0").field("ociVersionMax", "1.2.1");
  out.field("hooks", std::vector<std::string>{"prestart", "createRuntime", "createContainer",
                                              "startContainer", "poststart", "poststop"});
  out.field("mountOptions", plan::known_mount_options());
  out.key("linux").begin_object();
  out.field("namespaces", namespaces).field("capabilities", capabilities);
  out.key("cgroup").begin_object();
  out.field("v1", true).field("v2", true).field("systemd", true).field("systemdUser", false).field("rdma", true);
  out.end_object();
  out.key("seccomp").begin_object();
  out.field("enabled", true)
      .field("actions", seccomp::known_actions())
      .field("operators", seccomp::known_operators())
      .field("archs", seccomp::known_architectures())
      .field("knownFlags", seccomp::known_flags())
      .field("supportedFlags", seccomp::supported_flags());
  out.end_object();
  for (const char* name : {"apparmor", "selinux"}) out.key(name).begin_object().field("enabled", true).end_object();
  out.key("intelRdt").begin_object().field("enabled", false).end_object();
  out.key("mountExtensions").begin_object().key("idmap").begin_object().field("enabled", true).end_object();
  out.end_object().end_object();
  out.key("annotations").begin_object().field("io.github.bulkhead.version", "0.1.0").end_object();
  out.field("potentiallyUnsafeConfigAnnotations", std::vector<std::string>{});
  out.end_object();
  print(std::move(out).take() + "\n");
  return 0;
}

Result<int> run_plan(Context& context, const cli::Parsed& parsed) {
  Bundle bundle = TRY(load_bundle(parsed.arguments[0]));
  auto policy = TRY(load_policy(context));
  auto gathered = TRY(gather_facts(bundle.spec, policy, bundle.path, bundle.rootfs));
  print(plan::print(TRY(plan::make(bundle.spec, policy, gathered.facts))));
  return 0;
}

constexpr Command kCommands[] = {
    {"spec", "", 0, 0, "write a config.json to start from", kSpecOptions, run_spec},
    {"features", "", 0, 0, "print what this runtime supports as JSON", {}, run_features},
    {"plan", "BUNDLE", 1, 1, "print what create would do, or why it would refuse", {}, run_plan},
};

}  // namespace

std::span<const Command> host_commands() { return kCommands; }

}  // namespace bulkhead::runtime
