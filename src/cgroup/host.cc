#include "cgroup/host.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

struct Found {
  Hierarchy hierarchy;
  dev_t device = 0;
};

// Every v1 hierarchy and cgroup2 mount is a super block of its own: the same hierarchy mounted on
// two directories ("cpu" beside "cpu,cpuacct") is told by its device number.
void add(std::vector<Found>& all, Found one) {
  for (Found& known : all) {
    if (known.device != one.device) continue;
    if (one.hierarchy.name.size() > known.hierarchy.name.size())
      known.hierarchy.name = std::move(one.hierarchy.name);
    return;
  }
  all.push_back(std::move(one));
}

}  // namespace

bool Hierarchy::has(std::string_view controller) const {
  if (unified) return false;
  std::string_view rest = name;
  while (true) {
    auto comma = rest.find(',');
    if (rest.substr(0, comma) == controller) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

Result<Host> find_host() {
  Host host;
  host.root = open_directory(AT_FDCWD, kMountPoint);
  struct statfs info{};
  if (!host.root || fstatfs(host.root.get(), &info) != 0)
    return fail_errno(cat("open ", kMountPoint));
  if (info.f_type == CGROUP2_SUPER_MAGIC) {
    host.mode = Mode::kUnified;
    host.hierarchies.push_back({".", true});
    return host;
  }
  std::vector<Found> found;
  for (std::string& name : TRY_IN(kMountPoint, child_names(host.root.get(), "."))) {
    UniqueFd directory = open_directory(host.root.get(), name.c_str());
    struct stat stat{};
    if (!directory && (errno == ENOENT || errno == ENOTDIR)) continue;
    // A hierarchy that is left out would be one that does not limit the container.
    if (!directory || fstatfs(directory.get(), &info) != 0)
      return fail_errno(cat("open ", kMountPoint, "/", name));
    bool unified = info.f_type == CGROUP2_SUPER_MAGIC;
    if (!unified && info.f_type != CGROUP_SUPER_MAGIC) continue;
    if (fstat(directory.get(), &stat) != 0) return fail_errno(cat(kMountPoint, "/", name));
    if (unified) host.mode = Mode::kHybrid;
    add(found, {{std::move(name), unified}, stat.st_dev});
  }
  if (found.empty())
    return fail(cat("no cgroup file system is mounted on ", kMountPoint,
                    "; mount cgroup2 there or the v1 controllers below it"));
  for (Found& one : found) host.hierarchies.push_back(std::move(one.hierarchy));
  return host;
}

Result<Mode> detect_mode() { return TRY(find_host()).mode; }

}  // namespace bulkhead::cgroup
