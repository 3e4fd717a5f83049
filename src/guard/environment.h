// What the rules may know beside the request: the policy, the names of our own things, and the host's
// files. The host is behind an interface, so that rules are tested without one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace bulkhead::guard {

using FileIdentity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

struct HostFile {
  std::string path;  // resolved: no symbolic link in it; of a missing file the part that exists, and the rest
  std::optional<FileIdentity> identity;  // nothing: it does not exist
};

class HostFiles {
 public:
  virtual ~HostFiles() = default;
  // What `path` (absolute) names on the host, as the engine will see it.
  virtual HostFile look(std::string_view path) const = 0;
};

// The real host.
std::unique_ptr<HostFiles> host_files();

struct Environment {
  std::shared_ptr<const policy::Policy> policy;
  std::string settings_file;  // for messages
  std::string runtime;        // the name that dockerd knows our runtime by
  std::vector<std::string> sockets;  // every engine's and guard's socket, as configured
  std::string state_directory;       // sockets/ in it are those of containers
  const HostFiles* host = nullptr;
};

// The engine's socket that a bind of `file` would hand to a container: itself, or one below the
// directory, by inode and thus under any name. nullptr: none.
const std::string* find_socket(const Environment& environment, const HostFile& file);

}  // namespace bulkhead::guard
