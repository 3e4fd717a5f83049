#include "idpool/table.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::idpool {
namespace {

constexpr std::size_t kNameBytes = 2048;
// Every range there can be, and as many foreign ones.
constexpr std::size_t kMaxEntries = 2 * 65536;
constexpr int kLockAttempts = 5000;  // of 2 ms: about 10 s
constexpr std::string_view kWayOut = "; with no container running, remove the directory";

struct RawHeader {
  char magic[8];
  std::uint32_t format;
  std::uint32_t zero;
};
constexpr RawHeader kHeader{{'b', 'h', 'i', 'd', 'p', 'o', 'o', 'l'}, 1, 0};

static_assert(sizeof(RawHeader) == sizeof(Entry));

// A name's record: the two sizes, then the bytes.
struct NameSizes {
  std::uint16_t id, marker;
};
constexpr std::size_t kTextBytes = kNameBytes - sizeof(NameSizes);
static_assert(limits::kContainerIdBytes <= kTextBytes && 4096 % kNameBytes == 0);

bool is_possible(const Entry& entry) {
  return entry.state() == State::kFree ||
         (entry.range.first > 0 && entry.range.size > 0 && entry.range.end() <= kIdsEnd);
}

off_t entry_offset(std::size_t slot) {
  return static_cast<off_t>(sizeof(RawHeader) + slot * sizeof(Entry));
}

Result<UniqueFd> open_directory(BorrowedFd run_dir) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd dir(openat(run_dir, "ids", kFlags));
  if (!dir && errno == ENOENT) {
    if (mkdirat(run_dir, "ids", 0700) < 0 && errno != EEXIST)
      return fail_errno("id pool: mkdir ids");
    dir.reset(openat(run_dir, "ids", kFlags));
  }
  if (!dir) return fail_errno("id pool: open ids");
  return dir;
}

Result<> check_ours(BorrowedFd file, std::string_view what, mode_t type) {
  struct stat info {};
  if (fstat(file, &info) < 0) return fail_errno(cat("id pool: ", what));
  if ((info.st_mode & S_IFMT) != type || info.st_uid != geteuid() || (info.st_mode & 022) != 0)
    return fail(cat("id pool: ", what, ": wrong type, owner or mode: others could have written it",
                    kWayOut));
  return {};
}

Result<UniqueFd> open_file(BorrowedFd dir, const char* name) {
  UniqueFd file(openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file) return fail_errno(cat("id pool: open ids/", name));
  TRY(check_ours(file.get(), cat("ids/", name), S_IFREG));
  return file;
}

// A holder needs some ten microseconds. One that is stopped in between must not hang the rest, so
// this does not sleep in the kernel for ever.
Result<> lock(BorrowedFd file) {
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("id pool: lock");
    const timespec pause{.tv_sec = 0, .tv_nsec = attempt < 20 ? 50'000 : 2'000'000};
    nanosleep(&pause, nullptr);
  }
  return fail("id pool: another process holds the lock of ids/index for more than 10 s");
}

Result<> write_whole(BorrowedFd file, const void* data, std::size_t size, off_t offset) {
  const ssize_t written = pwrite(file, data, size, offset);
  if (written == static_cast<ssize_t>(size)) return {};
  return fail_errno("id pool: write", written < 0 ? errno : ENOSPC);
}

std::uint32_t hash_of(std::string_view id) {
  std::uint32_t hash = 0x811c9dc5;  // FNV-1a; names are compared after it
  for (unsigned char byte : id) hash = (hash ^ byte) * 0x01000193;
  return hash;
}

}  // namespace

Entry make_entry(State state, const Range& range, std::string_view owner,
                 std::uint32_t released_s) {
  return {range, hash_of(owner), static_cast<std::uint32_t>(state) << 30 | released_s};
}

FileMapping::~FileMapping() {
  if (at_) munmap(at_, size_);
}

Table::~Table() {
  // A child that was forked meanwhile shares the lock: closing alone would not drop it.
  if (index_) flock(index_.get(), LOCK_UN);
}

Result<Table> Table::open(BorrowedFd run_dir) {
  UniqueFd dir = TRY(open_directory(run_dir));
  TRY(check_ours(dir.get(), "ids", S_IFDIR));
  UniqueFd index = TRY(open_file(dir.get(), "index"));
  UniqueFd names = TRY(open_file(dir.get(), "names"));
  TRY(lock(index.get()));
  Table table(std::move(index), std::move(names));
  TRY(table.load());
  return table;
}

Result<> Table::load() {
  struct stat info {};
  if (fstat(index_.get(), &info) < 0) return fail_errno("id pool: ids/index");
  auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) {
    TRY(write_whole(index_.get(), &kHeader, sizeof kHeader, 0));
    size = sizeof kHeader;
  }
  if (size % sizeof(Entry) != 0 || size > sizeof(RawHeader) + kMaxEntries * sizeof(Entry))
    return fail(cat("id pool: ids/index: impossible size ", size, kWayOut));
  // Room for an entry more: what is appended shows up in the mapping.
  const std::size_t mapped = (size + sizeof(Entry) + 4095) / 4096 * 4096;
  void* at = mmap(nullptr, mapped, PROT_READ, MAP_SHARED | MAP_POPULATE, index_.get(), 0);
  if (at == MAP_FAILED) return fail_errno("id pool: map ids/index");
  map_ = FileMapping(at, mapped);
  if (std::memcmp(map_.data(), &kHeader, sizeof kHeader) != 0)
    return fail(cat("id pool: ids/index: not ours, or of another version", kWayOut));
  count_ = size / sizeof(Entry) - 1;
  const auto all = entries();
  const auto bad = std::find_if_not(all.begin(), all.end(), is_possible);
  if (bad != all.end())
    return fail(cat("id pool: ids/index: entry ", bad - all.begin(), " is damaged", kWayOut));
  return {};
}

std::span<const Entry> Table::entries() const {
  if (count_ == 0) return {};
  return {reinterpret_cast<const Entry*>(map_.data() + sizeof(RawHeader)), count_};
}

Result<Owner> Table::owner(std::size_t slot) const {
  char record[kNameBytes] = {};
  const ssize_t got =
      pread(names_.get(), record, sizeof record, static_cast<off_t>(slot * kNameBytes));
  if (got < 0) return fail_errno("id pool: read ids/names");
  NameSizes sizes;
  std::memcpy(&sizes, record, sizeof sizes);
  if (sizes.id == 0 || std::size_t{sizes.id} + sizes.marker > kTextBytes)
    return fail(cat("id pool: ids/names: record ", slot, " is damaged", kWayOut));
  const char* text = record + sizeof sizes;
  return Owner{.id = {text, sizes.id}, .marker = {text + sizes.id, sizes.marker}};
}

Result<Table::Found> Table::find(std::string_view id) const {
  const std::uint32_t hash = hash_of(id);
  Found found;
  const auto all = entries();
  for (std::size_t slot = 0; slot < all.size(); ++slot) {
    const Entry& entry = all[slot];
    if (entry.owner_hash != hash || entry.state() == State::kFree) continue;
    if (TRY(owner(slot)).id != id) continue;
    (entry.is_live() ? found.live : found.remembered) = slot;
  }
  return found;
}

std::size_t Table::free_slot() const {
  const auto all = entries();
  const auto free = std::find_if(all.begin(), all.end(), [](const Entry& entry) {
    return entry.state() == State::kFree;
  });
  return static_cast<std::size_t>(free - all.begin());
}

Result<> Table::put(std::size_t slot, const Entry& entry, const Owner& owner) {
  if (owner.id.empty() || owner.id.size() > limits::kContainerIdBytes)
    return fail(cat("id pool: a container id of ", owner.id.size(), " bytes (1 to ",
                    limits::kContainerIdBytes, ")"));
  const bool has_room = owner.id.size() + owner.marker.size() <= kTextBytes;
  const std::string_view marker = has_room ? std::string_view(owner.marker) : std::string_view();
  const NameSizes sizes{static_cast<std::uint16_t>(owner.id.size()),
                        static_cast<std::uint16_t>(marker.size())};
  std::string record(reinterpret_cast<const char*>(&sizes), sizeof sizes);
  record.append(owner.id).append(marker);
  TRY(write_whole(names_.get(), record.data(), record.size(),
                  static_cast<off_t>(slot * kNameBytes)));
  return set(slot, entry);
}

Result<> Table::set(std::size_t slot, const Entry& entry) {
  if (slot >= kMaxEntries) return fail("id pool: ids/index is full");
  TRY(write_whole(index_.get(), &entry, sizeof entry, entry_offset(slot)));
  if (slot < count_) return {};
  ++count_;
  const auto end = static_cast<std::size_t>(entry_offset(count_));
  return end <= map_.size() ? Result<>() : load();
}

}  // namespace bulkhead::idpool
