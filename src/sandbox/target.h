// Paths inside the container's root: resolved by openat2 with RESOLVE_IN_ROOT, so that symlinks of
// the image lead nowhere else and exchange races (CVE-2021-30465, CVE-2024-45310) change nothing.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sandbox {

enum class TargetKind { kDirectory, kFile };

// An O_PATH fd of `path` below `root`. Missing parts are made (directories 0755, files 0644; owner:
// the caller's fsuid). Errors: a part that is not a directory, a kind that does not fit.
Result<UniqueFd> make_target(BorrowedFd root, std::string_view path, TargetKind kind);

// The same without making anything.
Result<UniqueFd> find_target(BorrowedFd root, std::string_view path);

// An error when `path` leads through a symbolic link of the image: masks and read-only paths are
// found by path after the mount, and would be looked for elsewhere (CVE-2019-19921).
Result<> refuse_symlink(BorrowedFd root, std::string_view path);

// The parent of `path` (made when missing) and the last name.
Result<UniqueFd> make_parent(BorrowedFd root, std::string_view path, std::string& name);

}  // namespace bulkhead::sandbox
