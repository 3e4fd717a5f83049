#include "ctl/explain.h"

#include <algorithm>

#include "base/strings.h"
#include "policy/endpoints.h"
#include "policy/pattern.h"

namespace bulkhead::ctl {
namespace {

using Kind = Finding::Kind;

constexpr std::string_view kEngineSocket = "/run/docker.sock";  // what --use-api-socket mounts

struct Bind {
  std::string source;
  bool writable = true;
};

class Explanation {
 public:
  Explanation(const DockerWords& words, const ExplainInputs& inputs) : words_(words), in_(inputs) {}

  std::vector<Finding> run() && {
    if (!in_.policy.isolation_on)
      note("isolation is switched off (enhancedContainerIsolation.value is false)");
    if (words_.makes_container()) {
      explain_runtime();
      explain_namespaces();
      explain_binds();
      explain_devices();
    } else {
      explain_command();
    }
    bool is_refused =
        std::ranges::any_of(out_, [](const Finding& f) { return f.kind == Kind::kRefused; });
    if (is_refused && in_.policy.mode == policy::Mode::kAudit)
      note(
          "bulkhead.mode is \"audit\": the guard writes its refusals down and lets them pass; the "
          "runtime's hold");
    return std::move(out_);
  }

 private:
  void note(std::string text) { out_.push_back({Kind::kNote, std::move(text)}); }
  void refuse(std::string text) { out_.push_back({Kind::kRefused, std::move(text)}); }

  void explain_runtime() {
    for (const auto& runtime : words_.all("runtime"))
      note(cat("--runtime=", runtime, " is ignored: every container runs under bulkhead"));
    for (const auto& userns : words_.all("userns"))
      note(
          cat("--userns=", userns, " is ignored: every container has a user namespace of its own"));
    if (words_.is_set("privileged"))
      note(
          "--privileged gives all capabilities within the container's user namespace, and none "
          "over the host");
  }

  void explain_namespaces() {
    for (std::string_view kind : {"pid", "ipc", "uts", "network", "cgroupns"})
      for (const auto& value : words_.all(kind))
        if (value == "host")
          refuse(cat("--", kind, "=host: containers cannot share a ", kind,
                     " namespace with the host, because they have a user namespace of their own"));
  }

  // -v SOURCE:TARGET[:OPTIONS]; a source that is no path is a volume's name.
  void add_volume(std::vector<Bind>& binds, std::string_view text) {
    auto parts = split(text, ':');
    if (parts.size() < 2 || !parts[0].starts_with('/')) return;
    auto options = parts.size() > 2 ? split(parts[2], ',') : std::vector<std::string_view>();
    binds.push_back({std::string(parts[0]), std::ranges::find(options, "ro") == options.end()});
  }

  // --mount type=bind,source=...,target=...[,readonly]; or a volume that is a bind by its options.
  void add_mount(std::vector<Bind>& binds, std::string_view text) {
    Bind bind;
    bool is_bind = false;
    for (auto option : split(text, ',')) {
      auto equals = option.find('=');
      auto key = option.substr(0, equals),
           value = equals == option.npos ? "true" : option.substr(equals + 1);
      if (key == "type") is_bind = value == "bind";
      if (key == "source" || key == "src") bind.source = value;
      if (key == "readonly" || key == "ro") bind.writable = value != "true" && value != "1";
    }
    if (is_bind && bind.source.starts_with('/')) binds.push_back(bind);
    if (text.contains("volume-opt") && text.contains("device="))
      note(cat("--mount ", text,
               ": what a volume's options mount is judged like a bind when it is made"));
  }

  void explain_binds() {
    std::vector<Bind> binds;
    for (const auto& volume : words_.all("volume")) add_volume(binds, volume);
    for (const auto& mount : words_.all("mount")) add_mount(binds, mount);
    if (words_.is_set("use-api-socket")) binds.push_back({std::string(kEngineSocket), true});
    for (const auto& other : words_.all("volumes-from"))
      note(cat("--volumes-from ", other, ": its mounts are judged as if they were written here"));
    bool has_socket = false;
    for (const auto& bind : binds) has_socket |= explain_bind(bind);
    if (has_socket) explain_socket();
  }

  bool is_engine_socket(std::string_view path) const {
    return std::ranges::any_of(in_.policy.engine_sockets, [&](const auto& socket) {
      return path == socket || path == in_.resolve(socket);
    });
  }

  // True: it is an engine's socket, for which the image decides.
  bool explain_bind(const Bind& bind) {
    std::string path = in_.resolve(bind.source);
    std::string name = path == bind.source ? bind.source : cat(bind.source, " (", path, ")");
    if (is_engine_socket(path)) return true;
    if (const auto* entry = policy::find_restriction(in_.policy, path, bind.writable, {})) {
      bool is_fine_readonly = !policy::find_restriction(in_.policy, path, false, {});
      refuse(cat("can't mount ", name,
                 " because it's configured as a restricted host mount: ", entry->path, " is ",
                 entry->reason, is_fine_readonly ? "; read-only it is allowed" : "",
                 "; if you wish to allow it, see bulkhead.restrictedMounts in ",
                 in_.settings_file));
      return false;
    }
    auto below = policy::restrictions_below(in_.policy, path, bind.writable);
    if (below.empty()) return false;
    if (in_.policy.parents == policy::Parents::kMask)
      note(cat(name, ": what is restricted below it is masked (", below.front()->path, ", ...)"));
    else
      refuse(cat("can't mount ", name, ": it contains ", below.front()->path, ", which is ",
                 below.front()->reason,
                 "; if you wish to allow it without that, set bulkhead.restrictedMounts.parents to "
                 "\"mask\" in ",
                 in_.settings_file));
    return false;
  }

  // Names decide nothing, but what cannot be right by name need not be asked about.
  void explain_socket() {
    auto reference = images::parse_reference(words_.image());
    images::LocalImage image;
    if (reference) image.repo_tags.push_back(reference->text());
    image.repo_digests.push_back("unknown");  // it may come from a registry
    const auto& list = in_.policy.docker_socket.images;
    auto verdict = list.judge(words_.image(), image, {}, in_.settings_file);
    auto questions = list.questions(image);
    bool is_claimed = std::ranges::any_of(
        questions, [&](const auto& q) { return reference && q.reference == *reference; });
    if (verdict.allowed) {
      note("docker socket mount: allowed, the image list has \"*\"");
    } else if (is_claimed) {
      note(cat("docker socket mount: \"", reference->text(),
               "\" is in the image list; allowed if the image here is what the registry serves for "
               "it (see \"",
               "bulkhead-registry resolve ", reference->familiar(), "\")"));
    } else {
      refuse(std::move(verdict.message));
      if (list.allows_derived())
        note("an image that was built from one in the list is allowed: allowDerivedImages is true");
    }
  }

  void explain_devices() {
    for (const auto& device : words_.all("device")) {
      std::string path(split(device, ':').front());
      if (!policy::is_device_allowed(in_.policy, in_.resolve(path)))
        refuse(
            cat("--device ", path,
                ": not in the list of devices that containers may have; if you wish to allow it, "
                "add it to bulkhead.devices.allow in ",
                in_.settings_file));
    }
  }

  // A command through a socket that a container has: the command lists.
  void explain_command() {
    const auto& list = policy::command_list_for(in_.policy, in_.caller);
    std::string_view owner = words_.command;
    note("the host's own docker CLI is under no command list; this is about sockets in containers");
    if (policy::is_allowed(list, std::span(&owner, 1), {}))
      note(cat("docker ", words_.command, ": allowed by ", list.key));
    else
      refuse(
          policy::command_blocked(list, std::span(&owner, 1), words_.command, in_.settings_file));
  }

  const DockerWords& words_;
  const ExplainInputs& in_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> explain(const DockerWords& words, const ExplainInputs& inputs) {
  return Explanation(words, inputs).run();
}

}  // namespace bulkhead::ctl
