// Sysctls of the spec: only those that the kernel keeps per namespace, only in namespaces that are
// the container's own, as file names that cannot leave /proc/sys (CVE-2022-0811, CVE-2025-52881).
#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

constexpr std::string_view kIpc[] = {"kernel.msgmax", "kernel.msgmnb",     "kernel.msgmni",
                                     "kernel.sem",    "kernel.shmall",     "kernel.shmmax",
                                     "kernel.shmmni", "kernel.shm_rmid_forced"};

// A part of a dotted key, in which a slash stands for a dot: a file name, never "." or "..".
bool is_file_name(std::string_view part) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-@:/").contains(c);
  };
  return !part.empty() && part != "/" && part != "//" && std::ranges::all_of(part, is_plain);
}

bool is_key(std::string_view dotted) { return std::ranges::all_of(split(dotted, '.'), is_file_name); }

// ping_group_range takes ids of the writer's user namespace, the initial one here; the group ids
// that a container means end at its range. Docker asks for "0 2147483647" for everybody.
std::string clamp_group_range(std::string_view value) {
  std::vector<std::string> numbers;
  for (std::string_view word : split(value, ' '))
    for (std::string_view part : split(word, '\t'))
      if (auto number = parse_decimal<std::uint32_t>(part))
        numbers.push_back(std::to_string(std::min(*number, limits::kIdRange - 1)));
  return numbers.size() == 2 ? join(numbers, " ") : std::string(value);
}

}  // namespace

Result<std::vector<Sysctl>> plan_sysctls(const spec::Spec& spec,
                                         const std::vector<NamespacePlan>& namespaces) {
  auto is_new = [&](std::string_view type) {
    return std::ranges::any_of(namespaces,
                               [&](const auto& ns) { return ns.type == type && ns.path.empty(); });
  };
  // A network namespace that is joined without its owner is one that an engine made and pinned for
  // this container (admit.cc); of a sandbox of CRI it is the configuration that sets its sysctls.
  auto is_own = [&](std::string_view type) {
    return is_new(type) || (type == "network" && is_new("user"));
  };
  std::vector<Sysctl> sysctls;
  for (const auto& [key, value] : spec.linux_.sysctl) {
    // As sysctl(8): the first separator is the separator; with slashes a dot belongs to a name
    // ("net/ipv4/conf/eth0.1/forwarding"), with dots a slash does.
    std::string dotted = key;
    if (auto first = key.find_first_of("./"); first != std::string::npos && key[first] == '/')
      for (char& c : dotted) c = c == '/' ? '.' : c == '.' ? '/' : c;
    if (!is_key(dotted) || value.find('\n') != std::string::npos)
      return refuse(cat("linux.sysctl: malformed entry \"", key, "\""));
    Sysctl sysctl{dotted, value};
    std::string_view needs;
    if (dotted.starts_with("net.")) {
      needs = "network";
      if (dotted == "net.ipv4.ping_group_range") sysctl.value = clamp_group_range(value);
    } else if (dotted.starts_with("fs.mqueue.") ||
               std::ranges::find(kIpc, dotted) != std::end(kIpc)) {
      needs = "ipc";
      sysctl.where = Sysctl::Namespace::kIpc;
    } else if (dotted == "kernel.domainname" || dotted == "kernel.hostname") {
      needs = "uts";
      sysctl.where = Sysctl::Namespace::kUts;
    } else {
      return refuse(cat("linux.sysctl: ", dotted, " is not in a separate kernel namespace"));
    }
    if (!is_own(needs))
      return refuse(cat("linux.sysctl: ", dotted, " is not allowed in the ", needs,
                        " namespace of another container"));
    sysctls.push_back(std::move(sysctl));
  }
  return sysctls;
}

}  // namespace bulkhead::plan
