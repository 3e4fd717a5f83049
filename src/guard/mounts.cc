#include "guard/mounts.h"

#include <algorithm>

#include "base/strings.h"
#include "guard/shape.h"

namespace bulkhead::guard {
namespace {

// What -v gives: "source:destination[:options]", or a destination alone (an anonymous volume).
struct Bind {
  std::string_view source;
  bool writable = true;
};

Bind parse_bind(std::string_view text) {
  auto parts = split(text, ':');
  if (parts.size() < 2) return {};
  Bind bind{parts[0], true};
  if (parts.size() > 2)
    for (auto option : split(parts[2], ','))
      if (option == "ro") bind.writable = false;
  return bind;
}

std::unexpected<Refusal> refuse_socket(std::string_view image, const Facts& facts) {
  return refuse("socket-mount",
                cat("enhanced container isolation: docker socket mount denied for container with image \"",
                    image, "\"; image is not in the allowed list; if you wish to allow it, add \"", image,
                    "\" to enhancedContainerIsolation.dockerSocketMount.imageList.images in ",
                    facts.environment().settings_file));
}

// A volume by name: what its driver was told when it was made. One that does not exist yet is made
// without options.
Verdict<> judge_volume(std::string_view name, std::string_view image, Facts& facts) {
  if (name.empty()) return {};
  const auto* volume = TRY(facts.volume(name));
  if (!volume) return {};
  return judge_volume_options(text_of(*volume, "Driver"), child_of(*volume, "Options"), image, facts);
}

Verdict<> judge_source(std::string_view source, bool writable, std::string_view image, Facts& facts) {
  return source.starts_with('/') ? judge_bind(source, writable, image, facts)
                                 : judge_volume(source, image, facts);
}

Verdict<> judge_mount(const json::Object& mount, std::string_view image, Facts& facts) {
  auto type = text_of(mount, "Type"), source = text_of(mount, "Source");
  if (type == "bind") return judge_bind(source, !bool_of(mount, "ReadOnly"), image, facts);
  if (type == "tmpfs" || type == "image") return {};
  if (type != "volume")
    return refuse("mount-type",
                  cat("a mount of type \"", type, "\" is not allowed; use bind, volume, tmpfs or image"));
  if (const auto* options = child_of(mount, "VolumeOptions"))
    if (const auto* driver = child_of(*options, "DriverConfig"))
      TRY(judge_volume_options(text_of(*driver, "Name"), child_of(*driver, "Options"), image, facts));
  return judge_volume(source, image, facts);
}

// --volumes-from: what the other container has, at the sources that the engine resolved then.
Verdict<> judge_volumes_from(std::string_view text, std::string_view image, Facts& facts) {
  const auto* other = TRY(facts.container(text.substr(0, text.find(':'))));
  const auto* mounts = other ? array_of(*other, "Mounts") : nullptr;
  if (!mounts) return {};
  for (const auto& value : *mounts) {
    const auto* mount = value.if_object();
    if (!mount) continue;
    if (text_of(*mount, "Type") == "bind")
      TRY(judge_bind(text_of(*mount, "Source"), bool_of(*mount, "RW"), image, facts));
    else
      TRY(judge_volume(text_of(*mount, "Name"), image, facts));
  }
  return {};
}

std::unexpected<Refusal> refuse_options(std::string_view what) {
  return refuse("volume-options",
                cat("a volume with ", what, " is not allowed: the engine would mount it as the host's root; ",
                    "allowed are plain volumes, o=bind of directories that may be mounted, and the types ",
                    "tmpfs, nfs, nfs4 and cifs"));
}

}  // namespace

Verdict<> judge_bind(std::string_view source, bool writable, std::string_view image, const Facts& facts) {
  const auto& environment = facts.environment();
  if (!source.starts_with('/'))
    return malformed(cat("the bind source \"", source, "\" is not an absolute path"));
  if (facts.is_allowed_source(source)) return {};
  auto file = environment.host->look(source);
  if (find_socket(environment, file)) return refuse_socket(image, facts);
  const auto& policy = *environment.policy;
  if (policy::is_device_allowed(policy, file.path)) return {};
  auto restricted = [&](std::string_view detail) {
    return refuse("restricted-mount",
                  cat("error in the container spec: can't mount ", source,
                      " because it's configured as a restricted host mount", detail));
  };
  if (policy::find_restriction(policy, file.path, writable, "")) return restricted("");
  if (policy.parents == policy::Parents::kMask) return {};
  for (const auto* entry : policy::restrictions_below(policy, file.path, writable))
    if (environment.host->look(entry->path).identity)
      return restricted(cat(" (it contains ", entry->path, ")"));
  return {};
}

Verdict<> judge_volume_options(std::string_view driver, const json::Object* options, std::string_view image,
                               const Facts& facts) {
  constexpr std::string_view kTypes[] = {"", "none", "tmpfs", "nfs", "nfs4", "cifs"};
  constexpr std::string_view kDangerous[] = {"remount", "move", "shared", "rshared", "slave", "rslave"};
  if (!options || options->empty() || !(driver.empty() || driver == "local")) return {};
  for (const auto& option : *options)
    if (!option.value().is_string()) return malformed("volume options must be strings");
  auto type = text_of(*options, "type"), device = text_of(*options, "device");
  bool is_bind = type == "none" || (type.empty() && !device.empty()), writable = true;
  for (auto flag : split(text_of(*options, "o"), ',')) {
    flag = trim(flag);
    if (flag == "bind" || flag == "rbind") is_bind = true;
    if (flag == "ro") writable = false;
    if (std::ranges::find(kDangerous, flag) != std::end(kDangerous)) return refuse_options(cat("o=", flag));
  }
  if (is_bind) return judge_bind(device, writable, image, facts);
  if (std::ranges::find(kTypes, type) == std::end(kTypes)) return refuse_options(cat("type=", type));
  return {};
}

Verdict<> judge_mounts(const json::Object& host_config, std::string_view image, Facts& facts) {
  if (const auto* binds = array_of(host_config, "Binds"))
    for (const auto& text : *binds) {
      auto bind = parse_bind(text_of(text));
      TRY(judge_source(bind.source, bind.writable, image, facts));
    }
  if (const auto* mounts = array_of(host_config, "Mounts"))
    for (const auto& mount : *mounts) TRY(judge_mount(mount.get_object(), image, facts));
  if (const auto* others = array_of(host_config, "VolumesFrom"))
    for (const auto& other : *others) TRY(judge_volumes_from(text_of(other), image, facts));
  return {};
}

}  // namespace bulkhead::guard
