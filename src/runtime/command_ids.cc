// ids list, ids add: the pool of id ranges for people and for installation.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"
#include "idpool/pool.h"
#include "idpool/subid.h"
#include "runtime/command.h"
#include "sys/file.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kIdsOptions[] = {
    {"etc", 0, "DIR", "where subuid and subgid are (default /etc)"},
};

// Held as useradd and usermod hold it, so that neither side loses the other's change: a file
// beside, made exclusively, with the holder's pid.
class FileLock {
 public:
  static Result<FileLock> take(BorrowedFd dir, std::string_view file) {
    std::string name = cat(file, ".lock");
    auto fd = sys::open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!fd && fd.error().code == EEXIST)
      return fail(cat(name, ": another program is changing ", file, "; try again, or remove it if its holder is gone"));
    if (!fd) return std::unexpected(fd.error());
    FileLock lock(dir, std::move(name));
    std::string pid = cat(getpid());
    if (::write(fd->get(), pid.c_str(), pid.size() + 1) < 0) return fail_errno(cat("write ", lock.name_));
    return lock;
  }
  FileLock(FileLock&& other) noexcept : dir_(other.dir_), name_(std::exchange(other.name_, {})) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (!name_.empty()) ::unlinkat(dir_, name_.c_str(), 0);
  }

 private:
  FileLock(BorrowedFd dir, std::string name) : dir_(dir), name_(std::move(name)) {}
  BorrowedFd dir_;
  std::string name_;
};

void print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

Result<std::string> read_or_empty(BorrowedFd etc, const char* name) {
  auto text = sys::read_file_at(etc, name, limits::kSmallFileBytes);
  if (!text && text.error().code == ENOENT) return std::string();
  return text;
}

Result<> add_entries(BorrowedFd etc, std::string_view user) {
  auto uid_lock = TRY(FileLock::take(etc, "subuid"));
  auto gid_lock = TRY(FileLock::take(etc, "subgid"));
  std::string uid = TRY(read_or_empty(etc, "subuid"));
  std::string gid = TRY(read_or_empty(etc, "subgid"));
  idpool::SubidFiles before{.uid = std::move(uid), .gid = std::move(gid)};
  auto after = TRY(idpool::add_entries(before, user));
  if (after.uid != before.uid) TRY(sys::replace_file_at(etc, "subuid", after.uid, 0644));
  if (after.gid != before.gid) TRY(sys::replace_file_at(etc, "subgid", after.gid, 0644));
  return {};
}

Result<int> list_holdings() {
  auto run = sys::open_path(kRunDirectory, O_RDONLY | O_DIRECTORY);
  if (!run && run.error().code == ENOENT) return 0;
  if (!run) return std::unexpected(run.error());
  for (const auto& holding : TRY(idpool::list(run->get())))
    print(cat(holding.range.first, ":", holding.range.size, " ", holding.container_id,
              holding.from_pool ? "" : " (registered)", "\n"));
  return 0;
}

Result<int> run_ids(Context& context, const cli::Parsed& parsed) {
  std::string_view what = parsed.arguments[0];
  if (what == "list") return list_holdings();
  if (what != "add") return fail(cat("ids ", what, ": must be list or add"));
  auto policy = TRY(load_policy(context));
  if (policy.id_pool.fixed)
    return fail("ids add: the policy's bulkhead.idPool gives fixed numbers; they need no entries");
  std::string directory = parsed.has("etc") ? parsed.get("etc") : "/etc";
  UniqueFd etc = TRY(sys::open_path(directory, O_PATH | O_DIRECTORY));
  TRY_IN("ids add", add_entries(etc.get(), policy.id_pool.user));
  auto config = TRY(idpool::read_config(etc.get(), policy.id_pool.user));
  for (const auto& warning : config.warnings) print(cat("warning: ", warning, "\n"));
  for (const auto& block : config.blocks)
    print(cat(policy.id_pool.user, ":", block.first, ":", std::uint64_t{block.ranges} * limits::kIdRange, "\n"));
  return 0;
}

constexpr Command kCommands[] = {
    {"ids", "list|add", 1, 1,
     "list the id ranges in use; add the pool's entries to /etc/subuid and /etc/subgid", kIdsOptions, run_ids},
};

}  // namespace

std::span<const Command> ids_commands() { return kCommands; }

}  // namespace bulkhead::runtime
