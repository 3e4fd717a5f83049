#include "cgroup/files.h"

#include <fcntl.h>

#include <cstdint>

#include "base/strings.h"

namespace bulkhead::cgroup {

int write_file(BorrowedFd dir, const char* name, std::string_view value) noexcept {
  UniqueFd file(openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return errno;
  ssize_t written;
  do written = write(file.get(), value.data(), value.size());
  while (written < 0 && errno == EINTR);
  return written < 0 ? errno : 0;
}

Result<std::string> read_file(BorrowedFd dir, const char* name, std::size_t limit_bytes) {
  UniqueFd file(openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return fail_errno(cat("open cgroup file ", name));
  std::string text;
  while (true) {
    std::size_t used = text.size();
    text.resize(used + 4096);
    ssize_t got = read(file.get(), text.data() + used, 4096);
    text.resize(used + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(cat("read cgroup file ", name));
    if (got == 0) return text;
    if (text.size() > limit_bytes)
      return fail(cat("cgroup file ", name, " is over its size limit"));
  }
}

Result<std::uint64_t> read_number(BorrowedFd dir, const char* name) {
  std::string text = TRY(read_file(dir, name));
  std::string_view digits = trim(text);
  if (digits.empty()) return fail(cat("cgroup file ", name, " is empty"));
  return parse_decimal<std::uint64_t>(digits).value_or(UINT64_MAX);
}

UniqueFd open_directory(BorrowedFd dir, const char* name) noexcept {
  return UniqueFd(openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

UniqueFd open_listable(BorrowedFd dir, const char* name) noexcept {
  return UniqueFd(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::string_view flat_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return line.substr(key.size() + 1);
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  }
  return {};
}

}  // namespace bulkhead::cgroup
