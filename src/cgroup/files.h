// Control files of cgroupfs, always relative to a directory fd. cgroupfs takes one value per
// write(2) and answers with errno; a short write does not happen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::cgroup {

// Writes `value` at once. Returns 0 or the errno of open or write.
[[nodiscard]] int write_file(BorrowedFd dir, const char* name, std::string_view value) noexcept;

// The whole file. An error carries the errno and the file's name.
Result<std::string> read_file(BorrowedFd dir, const char* name,
                              std::size_t limit_bytes = limits::kSmallFileBytes);

// The file as one number; "max" and numbers that do not fit give UINT64_MAX.
Result<std::uint64_t> read_number(BorrowedFd dir, const char* name);

// O_PATH of a directory below `dir`; empty on error with errno set. Symbolic links are not followed
// (cgroupfs has none; the tmpfs above it may).
UniqueFd open_directory(BorrowedFd dir, const char* name) noexcept;

// A directory that readdir works on.
UniqueFd open_listable(BorrowedFd dir, const char* name) noexcept;

// The value of `key` in a file of "key value" lines, or nothing.
std::string_view flat_value(std::string_view text, std::string_view key);

}  // namespace bulkhead::cgroup
