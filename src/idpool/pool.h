// The pool of id ranges (65536 ids each): one per container, never two alive at once, without a
// daemon. State is two files under <run dir>/ids (table.h); every call locks, changes at most a few
// entries and unlocks, some tens of microseconds with thousands of containers.
//
// Which range a container gets:
//  1. the one that it has (creating twice is no error);
//  2. the one that it had, if nobody took it since: `docker restart` is delete and create with the
//     same id, and must see the same ids;
//  3. the lowest free one. So the first container of a machine has 100000, the one beside it
//     165536, and after both are gone the next starts at 100000 again. A range released less than
//     kReserved_s ago is passed over while its owner can come back (its marker exists, see
//     release()) and another is free: a create that falls into the moment of somebody's restart
//     must not take that range. Without a marker nothing is passed over;
//  4. when none is free, the reserved one released first; then that of an owner that is gone
//     (`is_alive` says so): something was killed before it could release.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "idpool/range.h"
#include "idpool/subid.h"

namespace bulkhead::idpool {

inline constexpr std::uint32_t kReserved_s = 10;

// Is there still a container of that id (its state directory exists)? Asked only when the pool is
// exhausted or a configuration's range meets a live one; called with the pool locked, so it must
// not call the pool. A container's state directory must exist before it allocates, else a range
// could be taken from a container that is being made.
using IsAlive = std::function<bool(std::string_view container_id)>;

struct Holding {
  std::string container_id;
  Range range;
  bool from_pool = false;  // else registered
};

// The range for `container_id`, by the rules above. `run_dir` is open on the run directory
// ("/run/bulkhead"), owned by the caller. Errors: the pool is exhausted (says how to enlarge it),
// locked for more than 10 s, damaged or writable by others, the disk is full. On an error nothing
// is held.
Result<Range> allocate(BorrowedFd run_dir, const Config& config, std::string_view container_id,
                       const IsAlive& is_alive);

// Registers a range that the container's configuration gives (check_mappings()), so that the pool
// never hands out a part of it while the container lives. Foreign ranges may meet each other: an
// engine with userns-remap gives all containers the same one. Errors: it meets the pool's range of
// another live container (names it), or as above.
Result<> register_foreign(BorrowedFd run_dir, const Range& range, std::string_view container_id,
                          const IsAlive& is_alive);

// Registers the range of container `owner_id` for one that joins its user namespace too, and
// returns it: the range is free again when both are gone. Errors: the owner holds nothing, or as
// above.
Result<Range> register_joined(BorrowedFd run_dir, std::string_view owner_id,
                              std::string_view container_id);

// Gives back what `container_id` holds, when its last process is gone; nothing held is no error.
// `marker` is the absolute path of
// something that exists as long as the engine could start this container again, and no longer:
// for overlay2 of Docker the layer's directory (the parent of ".../merged"); empty when there is no
// such thing.
Result<> release(BorrowedFd run_dir, std::string_view container_id, std::string_view marker);

// What `container_id` holds now, if anything.
Result<std::optional<Holding>> lookup(BorrowedFd run_dir, std::string_view container_id);

// Everything that is held now, by first id.
Result<std::vector<Holding>> list(BorrowedFd run_dir);

}  // namespace bulkhead::idpool
