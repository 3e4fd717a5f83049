#include "runtime/data_directories.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "sys/file.h"

namespace bulkhead::runtime {
namespace {

constexpr const char* kProgramDirectories[] = {"usr/bin", "usr/sbin", "usr/local/bin"};

Result<UniqueFd> directory_in(BorrowedFd root, const std::string& path) {
  return sys::open_at2(root, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

bool has_name(const std::vector<UniqueFd>& directories, const std::string& name) {
  struct stat st {};
  return std::ranges::any_of(directories, [&](const auto& directory) {
    return ::fstatat(directory.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

}  // namespace

Result<std::vector<std::string>> wanted_data_directories(const policy::Policy& policy,
                                                         const std::string& rootfs) {
  UniqueFd root = TRY(sys::open_path(rootfs, O_PATH | O_DIRECTORY));
  std::vector<UniqueFd> directories;
  for (const char* path : kProgramDirectories)
    if (auto directory = directory_in(root.get(), path)) directories.push_back(std::move(*directory));
  std::vector<std::string> wanted;
  for (const auto& row : policy.data_directories) {
    bool asked = row.programs.empty() ? directory_in(root.get(), row.path).has_value()
                                      : std::ranges::any_of(row.programs, [&](const auto& program) {
                                          return has_name(directories, program);
                                        });
    if (asked) wanted.push_back(row.path);
  }
  return wanted;
}

}  // namespace bulkhead::runtime
