// The pool's two files under <run dir>/ids, locked while a Table lives.
//
// `index` is a 16-byte header and 16-byte entries; `names` holds the owner of entry i at i * 2048.
// An entry is changed by writing the name first and then the entry, each in one write that never
// crosses a page (the kernel looks for SIGKILL only between pages): a process killed at any point
// leaves the old entry or the new one. The run directory is a tmpfs: nothing here has to outlive
// the machine. The files are never replaced, so the lock is flock(2) on the index itself, which the
// kernel drops when the holder dies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "idpool/range.h"

namespace bulkhead::idpool {

enum class State : std::uint32_t {
  kFree = 0,
  kPool = 1,     // live, taken from the pool
  kRegistered = 2,  // live, and not of the pool's choice: see register_*() in pool.h
  kRemembered = 3,  // released: the owner gets it back when nobody took it
};

// As it lies in the file.
struct Entry {
  Range range;
  std::uint32_t owner_hash = 0;
  std::uint32_t state_and_time = 0;  // the state in the two high bits

  State state() const { return static_cast<State>(state_and_time >> 30); }
  bool is_live() const { return state() == State::kPool || state() == State::kRegistered; }
  // When it was released, for kRemembered: CLOCK_BOOTTIME, which stays below 2^30 for 34 years.
  std::uint32_t released_s() const { return state_and_time & 0x3fffffff; }
};
static_assert(sizeof(Entry) == 16, "divides the page size");

Entry make_entry(State state, const Range& range, std::string_view owner,
                 std::uint32_t released_s = 0);

struct Owner {
  std::string id;      // the container's
  std::string marker;  // kRemembered: see Pool::release(); may be empty
};

// Read-only shared memory of a file.
class FileMapping {
 public:
  FileMapping() = default;
  FileMapping(void* at, std::size_t size) : at_(at), size_(size) {}
  FileMapping(FileMapping&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~FileMapping();

  const char* data() const { return static_cast<const char*>(at_); }
  std::size_t size() const { return size_; }

 private:
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

class Table {
 public:
  // Makes `ids` and its files when they are missing (0700, 0600) and takes the lock, waiting for
  // at most 10 s. Errors: what could have been written by someone else or is damaged is refused.
  static Result<Table> open(BorrowedFd run_dir);
  Table(Table&&) = default;
  Table& operator=(Table&&) = delete;
  ~Table();

  std::span<const Entry> entries() const;
  Result<Owner> owner(std::size_t slot) const;

  // The entries of `id`.
  struct Found {
    std::optional<std::size_t> live, remembered;  // slots
  };
  Result<Found> find(std::string_view id) const;
  // A slot that is free: of a freed entry, or one past the end.
  std::size_t free_slot() const;

  // Writes entry `slot` (at most one past the end) with its owner; a marker that does not fit is
  // left out. Errors: an id over 1024 bytes, the disk is full, ...
  Result<> put(std::size_t slot, const Entry& entry, const Owner& owner);
  // Changes the entry alone.
  Result<> set(std::size_t slot, const Entry& entry);

 private:
  Table(UniqueFd index, UniqueFd names) : index_(std::move(index)), names_(std::move(names)) {}
  Result<> load();

  UniqueFd index_, names_;
  // Mapped and not read: in a process that lives for one call, 64 KB of fresh memory cost more than
  // the rest of an allocation. The files only grow, and only root can write them.
  FileMapping map_;
  std::size_t count_ = 0;
};

}  // namespace bulkhead::idpool
