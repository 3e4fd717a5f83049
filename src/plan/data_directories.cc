// Where engines inside of the container keep their images (R8).
#include <algorithm>

#include "plan/parts.h"

namespace bulkhead::plan {

// A volume there, or over a directory above, is a real file system already. A read-only root has
// nothing writable that nobody asked for.
std::vector<std::string> plan_data_directories(const spec::Spec& spec, const Facts& facts) {
  if (facts.root_fs_type != "overlay" || spec.root->readonly) return {};
  std::vector<std::string> wanted;
  for (const auto& path : facts.data_directories)
    if (std::ranges::none_of(spec.mounts, [&](const auto& mount) {
          return is_within(path, clean_path(mount.destination));
        }))
      wanted.push_back(path);
  return wanted;
}

}  // namespace bulkhead::plan
