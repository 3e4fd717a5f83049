#include "sandbox/data_directory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>

#include "base/strings.h"
#include "sandbox/copy_object.h"
#include "sandbox/layers.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace bulkhead::sandbox {
namespace {

// In the overlay's work directory. One container has one upper layer, and is started once at a time.
constexpr const char* kUnfinished = "bulkhead-data";
constexpr std::uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

std::string parent_of(const std::string& inside) {
  auto at = inside.rfind('/');
  return at == std::string::npos ? "." : inside.substr(0, at);
}

std::string name_of(const std::string& inside) { return inside.substr(inside.rfind('/') + 1); }

Result<> mark_opaque(BorrowedFd directory) {
  if (::fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) < 0)
    return fail_errno("mark the copied directory opaque");
  return {};
}

Result<> copy_up(const OverlayLayers& layers, const LayerDirectories& found, const std::string& inside) {
  UniqueFd upper = TRY(sys::open_path(layers.upper, O_PATH | O_DIRECTORY));
  UniqueFd parent = TRY(sys::open_at2(upper.get(), parent_of(inside), O_PATH | O_DIRECTORY, kBeneath));
  UniqueFd work = TRY(sys::open_path(layers.work, O_RDONLY | O_DIRECTORY));
  TRY(sys::remove_tree_at(work.get(), kUnfinished));
  if (::mkdirat(work.get(), kUnfinished, 0700) < 0) return fail_errno("mkdir in the overlay's work directory");
  UniqueFd copy = TRY(sys::open_at(work.get(), kUnfinished, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(merge_layers(found, copy.get()));
  TRY(copy_attributes(found.front().get(), ".", work.get(), kUnfinished));
  TRY(mark_opaque(copy.get()));
  if (::syncfs(copy.get()) < 0) return fail_errno("write to disk");
  if (::renameat2(work.get(), kUnfinished, parent.get(), name_of(inside).c_str(), RENAME_EXCHANGE) < 0)
    return fail_errno("exchange the directory with its copy");
  return sys::remove_tree_at(work.get(), kUnfinished);
}

}  // namespace

Result<UniqueFd> own_directory(const OverlayLayers& layers, const std::string& inside, const std::string& where) {
  if (layers.upper.empty()) return fail(cat(where, ": the root has no writable layer"));
  auto found = TRY_IN(where, find_in_layers(layers, inside));
  if (TRY_IN(where, has_entries_below(found)))
    TRY_IN(cat("copy ", where, " into the container's own layer"), copy_up(layers, found, inside));
  UniqueFd upper = TRY(sys::open_path(layers.upper, O_PATH | O_DIRECTORY));
  UniqueFd own = TRY_IN(where, sys::open_at2(upper.get(), inside, O_PATH | O_DIRECTORY, kBeneath));
  return sys::clone_tree(own.get(), "", false);
}

}  // namespace bulkhead::sandbox
