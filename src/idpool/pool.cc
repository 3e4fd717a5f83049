#include "idpool/pool.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "idpool/table.h"

namespace bulkhead::idpool {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

using Slot = std::uint32_t;  // of the table; small, for the memory that a fresh process touches
constexpr Slot kNoSlot = UINT32_MAX;

// Counts suspend, so that a container is not forgotten sooner or later for it.
std::uint32_t now_s() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

// One allocation over a locked table.
class Allocation {
 public:
  Allocation(Table& table, const Config& config)
      : table_(table), config_(config), now_s_(now_s()), is_taken_(config.ranges()) {
    for (std::size_t slot = 0; slot < table.entries().size(); ++slot) note(slot);
  }

  // The index of a range that is free and not reserved, or kNone.
  Result<std::size_t> lowest_free() {
    for (std::size_t index = 0; index < is_taken_.size(); ++index)
      if (!is_taken_[index] && !TRY(is_reserved(index))) return index;
    return kNone;
  }

  std::size_t longest_released() const {
    std::size_t best = kNone;
    for (std::size_t index = 0; index < is_taken_.size(); ++index)
      if (!is_taken_[index] && (best == kNone || age_s(index) > age_s(best))) best = index;
    return best;
  }

  // The index of `range` if it is one of the configured ones and free.
  std::size_t if_free(const Range& range) const {
    std::size_t index = 0;
    for (const Block& block : config_.blocks) {
      const std::uint32_t offset = range.first - block.first;
      if (range.first >= block.first && offset / limits::kIdRange < block.ranges) {
        index += offset / limits::kIdRange;
        return config_.range(index) == range && !is_taken_[index] ? index : kNone;
      }
      index += block.ranges;
    }
    return kNone;
  }

  // Where to write an entry for range `index`: over the memory of its last owner.
  std::size_t slot_for(std::size_t index) const {
    const Slot slot = remembered(index);
    return slot != kNoSlot ? slot : table_.free_slot();
  }

 private:
  void note(std::size_t slot) {
    const Entry& entry = table_.entries()[slot];
    if (entry.state() == State::kFree) return;
    std::size_t base = 0;
    for (const Block& block : config_.blocks) {
      note_in_block(slot, entry, block, base);
      base += block.ranges;
    }
  }

  void note_in_block(std::size_t slot, const Entry& entry, const Block& block, std::size_t base) {
    const std::uint64_t end = block.first + std::uint64_t{block.ranges} * limits::kIdRange;
    if (entry.range.first >= end || entry.range.end() <= block.first) return;
    const std::uint64_t from = std::max(entry.range.first, block.first) - block.first;
    const std::uint64_t to = std::min(entry.range.end(), end) - block.first;
    const std::size_t last = base + (to - 1) / limits::kIdRange;
    for (std::size_t index = base + from / limits::kIdRange; index <= last; ++index) {
      if (entry.is_live())
        is_taken_[index] = true;
      else
        remember(index, static_cast<Slot>(slot));
    }
  }

  // Of several that had a range, the last one.
  void remember(std::size_t index, Slot slot) {
    if (remembered_.empty()) remembered_.resize(is_taken_.size(), kNoSlot);
    Slot& last = remembered_[index];
    if (last == kNoSlot || released_s(slot) > released_s(last)) last = slot;
  }

  Slot remembered(std::size_t index) const {
    return remembered_.empty() ? kNoSlot : remembered_[index];
  }

  std::uint32_t released_s(Slot slot) const { return table_.entries()[slot].released_s(); }

  std::uint32_t age_s(std::size_t index) const {
    const Slot slot = remembered(index);
    return slot == kNoSlot ? UINT32_MAX : now_s_ - std::min(now_s_, released_s(slot));
  }

  Result<bool> is_reserved(std::size_t index) const {
    if (age_s(index) >= kReserved_s) return false;
    const Owner owner = TRY(table_.owner(remembered(index)));
    return !owner.marker.empty() && access(owner.marker.c_str(), F_OK) == 0;
  }

  Table& table_;
  const Config& config_;
  const std::uint32_t now_s_;
  std::vector<bool> is_taken_;    // by range index
  std::vector<Slot> remembered_;  // by range index: that of its last owner; empty: no range has one
};

// Frees the entries of owners that are gone. Returns whether there were any.
Result<bool> reclaim(Table& table, const IsAlive& is_alive) {
  bool any = false;
  for (std::size_t slot = 0; slot < table.entries().size(); ++slot) {
    if (!table.entries()[slot].is_live() || is_alive(TRY(table.owner(slot)).id)) continue;
    TRY(table.set(slot, {}));
    any = true;
  }
  return any;
}

struct Choice {
  std::size_t index = kNone;  // of the range
  std::size_t slot = 0;       // of the table
};

// `remembered` is the slot of what the container had, if that is known.
Result<Choice> choose(Table& table, const Config& config, std::optional<std::size_t> remembered,
                      const IsAlive& is_alive) {
  Allocation allocation(table, config);
  if (remembered) {
    const std::size_t index = allocation.if_free(table.entries()[*remembered].range);
    if (index != kNone) return Choice{index, *remembered};
    TRY(table.set(*remembered, {}));
  }
  std::size_t index = TRY(allocation.lowest_free());
  if (index == kNone) index = allocation.longest_released();
  if (index != kNone) return Choice{index, allocation.slot_for(index)};
  if (!TRY(reclaim(table, is_alive))) return Choice{};
  Allocation again(table, config);
  index = TRY(again.lowest_free());
  return index == kNone ? Choice{} : Choice{index, again.slot_for(index)};
}

std::unexpected<Error> exhausted(const Config& config) {
  return fail(cat("id pool exhausted: all ", config.ranges(), " ranges of ", limits::kIdRange,
                  " ids, from ", config.blocks.front().first, ", are in use by containers; remove "
                  "containers, or ", config.way_out));
}

// Refuses when `range` meets what the pool gave to another live container.
Result<> check_meets_none(Table& table, const Range& range, const IsAlive& is_alive) {
  for (std::size_t slot = 0; slot < table.entries().size(); ++slot) {
    const Entry entry = table.entries()[slot];
    if (entry.state() != State::kPool || !entry.range.overlaps(range)) continue;
    const std::string id = TRY(table.owner(slot)).id;
    if (is_alive(id))
      return fail(cat("host ids ", range.first, " to ", range.end() - 1,
                      " of the container's mappings are in use: container ", id, " has ",
                      entry.range.first, " to ", entry.range.end() - 1,
                      "; use mappings outside of the id pool"));
    TRY(table.set(slot, {}));
  }
  return {};
}

}  // namespace

Result<Range> allocate(BorrowedFd run_dir, const Config& config, std::string_view container_id,
                       const IsAlive& is_alive) {
  Table table = TRY(Table::open(run_dir));
  const Table::Found found = TRY(table.find(container_id));
  if (found.live) {
    const Entry& entry = table.entries()[*found.live];
    if (entry.state() == State::kPool) return entry.range;
    TRY(table.set(*found.live, {}));  // of a create that was killed and had mappings of its own
  }
  const Choice choice = TRY(choose(table, config, found.remembered, is_alive));
  if (choice.index == kNone) return exhausted(config);
  const Range range = config.range(choice.index);
  TRY(table.put(choice.slot, make_entry(State::kPool, range, container_id),
                {.id = std::string(container_id)}));
  return range;
}

Result<> register_foreign(BorrowedFd run_dir, const Range& range, std::string_view container_id,
                          const IsAlive& is_alive) {
  Table table = TRY(Table::open(run_dir));
  const Table::Found found = TRY(table.find(container_id));
  if (found.live) TRY(table.set(*found.live, {}));  // of an earlier, killed create
  TRY(check_meets_none(table, range, is_alive));
  return table.put(table.free_slot(), make_entry(State::kRegistered, range, container_id),
                   {.id = std::string(container_id)});
}

Result<Range> register_joined(BorrowedFd run_dir, std::string_view owner_id,
                              std::string_view container_id) {
  Table table = TRY(Table::open(run_dir));
  const Table::Found owner = TRY(table.find(owner_id));
  if (!owner.live)
    return fail(cat("container ", owner_id, " holds no ids: it is gone; its namespaces cannot be "
                    "joined"));
  const Range range = table.entries()[*owner.live].range;
  const Table::Found found = TRY(table.find(container_id));
  if (found.live) TRY(table.set(*found.live, {}));
  TRY(table.put(table.free_slot(), make_entry(State::kRegistered, range, container_id),
                {.id = std::string(container_id)}));
  return range;
}

Result<> release(BorrowedFd run_dir, std::string_view container_id, std::string_view marker) {
  Table table = TRY(Table::open(run_dir));
  const Table::Found found = TRY(table.find(container_id));
  if (!found.live) return {};
  const Entry& entry = table.entries()[*found.live];
  if (entry.state() == State::kRegistered) return table.set(*found.live, {});
  return table.put(*found.live,
                   make_entry(State::kRemembered, entry.range, container_id, now_s()),
                   {std::string(container_id), std::string(marker)});
}

Result<std::optional<Holding>> lookup(BorrowedFd run_dir, std::string_view container_id) {
  Table table = TRY(Table::open(run_dir));
  const Table::Found found = TRY(table.find(container_id));
  if (!found.live) return std::nullopt;
  const Entry& entry = table.entries()[*found.live];
  return Holding{std::string(container_id), entry.range, entry.state() == State::kPool};
}

Result<std::vector<Holding>> list(BorrowedFd run_dir) {
  Table table = TRY(Table::open(run_dir));
  std::vector<Holding> out;
  for (std::size_t slot = 0; slot < table.entries().size(); ++slot) {
    const Entry& entry = table.entries()[slot];
    if (!entry.is_live()) continue;
    out.push_back({TRY(table.owner(slot)).id, entry.range, entry.state() == State::kPool});
  }
  std::sort(out.begin(), out.end(), [](const Holding& a, const Holding& b) {
    return a.range.first < b.range.first;
  });
  return out;
}

}  // namespace bulkhead::idpool
