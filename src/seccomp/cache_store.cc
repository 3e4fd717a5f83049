// The files of the cache.
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf_common.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/strings.h"
#include "seccomp/cache.h"

namespace bulkhead::seccomp {
namespace {

constexpr std::size_t kLargestEntry = 64 + BPF_MAXINSNS * sizeof(sock_filter);
// A hit renews an entry's time at most this often: what is used stays, and a hit is mostly reads.
constexpr time_t kRenewAfter_s = 60;
// A temporary file this old belongs to a writer that was killed.
constexpr time_t kAbandonedAfter_s = 60;
constexpr std::string_view kTemporary = ".tmp-";

std::string file_name(const CacheKey& key) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  name.reserve(2 * key.size());
  for (std::uint8_t byte : key) {
    name += kHex[byte >> 4];
    name += kHex[byte & 15];
  }
  return name;
}

bool is_ours_alone(const struct stat& info, mode_t others) {
  return info.st_uid == geteuid() && (info.st_mode & others) == 0;
}

Result<> check_directory(BorrowedFd cache_dir) {
  struct stat info {};
  if (fstat(cache_dir, &info) < 0) return fail_errno("seccomp cache directory");
  if (!S_ISDIR(info.st_mode) || !is_ours_alone(info, 077))
    return fail("seccomp cache directory: owner or mode lets others in (0700 needed); not used");
  return {};
}

time_t now_s() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

// Makes one directory entry of `content`, whole or not at all.
Result<> write_atomically(BorrowedFd dir, const std::string& name, std::string_view content) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::string temporary = cat(kTemporary, getpid(), "-", now.tv_sec, "-", now.tv_nsec);
  UniqueFd file(openat(dir, temporary.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_errno("seccomp cache: create an entry");
  // fchmod: the umask may have taken bits away.
  errno = ENOSPC;  // what a short write means
  const bool written =
      fchmod(file.get(), 0600) == 0 &&
      write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      renameat(dir, temporary.c_str(), dir, name.c_str()) == 0;
  if (written) return {};
  const int error = errno;
  unlinkat(dir, temporary.c_str(), 0);
  return fail_errno("seccomp cache: write an entry", error);
}

struct Entry {
  timespec used;
  std::string name;
  bool operator<(const Entry& other) const {
    return used.tv_sec != other.used.tv_sec ? used.tv_sec < other.used.tv_sec
                                            : used.tv_nsec < other.used.tv_nsec;
  }
};

struct CloseDirectory {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Every entry, with abandoned temporary files removed on the way.
Result<std::vector<Entry>> list(BorrowedFd cache_dir) {
  UniqueFd copy(openat(cache_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("seccomp cache: list");
  std::unique_ptr<DIR, CloseDirectory> dir(fdopendir(copy.get()));
  if (!dir) return fail_errno("seccomp cache: list");
  copy.release();
  std::vector<Entry> entries;
  const time_t abandoned = now_s() - kAbandonedAfter_s;
  while (const dirent* item = readdir(dir.get())) {
    const std::string_view name = item->d_name;
    struct stat info {};
    if (fstatat(cache_dir, item->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(info.st_mode))
      continue;
    if (!name.starts_with(kTemporary))
      entries.push_back({info.st_mtim, std::string(name)});
    else if (info.st_mtim.tv_sec < abandoned)
      unlinkat(cache_dir, item->d_name, 0);
  }
  return entries;
}

// Two writers may both evict: at worst a little more than needed goes.
Result<> evict(BorrowedFd cache_dir) {
  auto entries = TRY(list(cache_dir));
  if (entries.size() <= kCacheEntries) return {};
  const auto excess = static_cast<std::ptrdiff_t>(entries.size() - kCacheEntries);
  std::nth_element(entries.begin(), entries.begin() + excess, entries.end());
  for (auto entry = entries.begin(); entry != entries.begin() + excess; ++entry)
    unlinkat(cache_dir, entry->name.c_str(), 0);
  return {};
}

}  // namespace

Result<std::vector<sock_filter>> load_entry(BorrowedFd cache_dir, const CacheKey& key) {
  TRY(check_directory(cache_dir));
  const std::string name = file_name(key);
  UniqueFd file(openat(cache_dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail_errno(cat("seccomp cache entry ", name));
  struct stat info {};
  if (fstat(file.get(), &info) < 0) return fail_errno(cat("seccomp cache entry ", name));
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1 || !is_ours_alone(info, 07177))
    return fail(cat("seccomp cache entry ", name, ": wrong type, owner, mode or links; not used"));
  if (info.st_size < 0 || static_cast<std::size_t>(info.st_size) > kLargestEntry)
    return fail(cat("seccomp cache entry ", name, ": over the size limit; not used"));
  std::string content(static_cast<std::size_t>(info.st_size), '\0');
  if (read(file.get(), content.data(), content.size()) != info.st_size)
    return fail(cat("seccomp cache entry ", name, ": cannot be read whole; not used"));
  auto program = TRY_IN(cat("seccomp cache entry ", name), decode_entry(content, key));
  if (info.st_mtim.tv_sec + kRenewAfter_s < now_s()) futimens(file.get(), nullptr);
  return program;
}

Result<> store_entry(BorrowedFd cache_dir, const CacheKey& key,
                     std::span<const sock_filter> program) {
  TRY(check_directory(cache_dir));
  TRY(write_atomically(cache_dir, file_name(key), encode_entry(key, program)));
  return evict(cache_dir);
}

}  // namespace bulkhead::seccomp
