#include "sandbox/layers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "base/limits.h"
#include "base/strings.h"
#include "sandbox/copy_object.h"
#include "sys/file.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

bool is_whiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

// fgetxattr takes no O_PATH descriptor.
bool has_mark(BorrowedFd directory, const char* name) {
  return ::getxattr(cat("/proc/self/fd/", directory).c_str(), name, nullptr, 0) >= 0;
}

// Absent marks aside, "y" is the only value that means opaque ("x": has whiteouts of another kind in it).
bool is_opaque(BorrowedFd directory) {
  char value = 0;
  std::string path = cat("/proc/self/fd/", directory);
  return ::getxattr(path.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

struct Descent {
  UniqueFd directory;       // empty: the layer has nothing there
  bool hides_rest = false;  // what lower layers have there is not shown
};

Result<Descent> descend(const std::string& layer, std::string_view inside) {
  Descent at{TRY(sys::open_path(layer, O_PATH | O_DIRECTORY))};
  for (std::string_view name : split(inside, '/')) {
    auto next = sys::open_at2(at.directory.get(), name, O_PATH | O_NOFOLLOW, kBeneath);
    if (!next && next.error().code == ENOENT) return Descent{UniqueFd(), at.hides_rest};
    if (!next) return std::unexpected(std::move(next).error());
    struct stat st = TRY(sys::stat_fd(next->get(), name));
    if (!S_ISDIR(st.st_mode)) return Descent{UniqueFd(), true};
    if (has_mark(next->get(), "trusted.overlay.redirect"))
      return fail(cat(layer, "/", inside, ": a renamed directory (redirect_dir) cannot be taken over; use a volume"));
    at.hides_rest |= is_opaque(next->get());
    at.directory = std::move(*next);
  }
  return at;
}

struct CloseDir {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseDir>;

Result<Stream> list(BorrowedFd directory) {
  UniqueFd fd = TRY(sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  Stream stream(::fdopendir(fd.get()));
  if (!stream) return fail_errno("list a directory");
  (void)fd.release();
  return stream;
}

const char* next_name(DIR* stream) {
  while (const dirent* entry = ::readdir(stream)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

class Merger {
 public:
  explicit Merger(BorrowedFd top) : links_(top) {}

  Result<> merge(const LayerDirectories& from, BorrowedFd into, const std::string& path, std::size_t depth) {
    if (depth > limits::kLayerDepth) return fail(cat(path, ": more than ", limits::kLayerDepth, " directories deep"));
    std::set<std::string, std::less<>> seen;
    for (std::size_t i = 0; i < from.size(); ++i) {
      auto stream = TRY(list(from[i].get()));
      while (const char* name = next_name(stream.get())) {
        if (!seen.emplace(name).second) continue;
        Place place{from, i, into, name, path.empty() ? name : cat(path, "/", name)};
        TRY_IN(place.path, take(place, depth));
      }
    }
    return {};
  }

 private:
  struct Place {
    const LayerDirectories& from;
    std::size_t layer;  // the topmost that has the name
    BorrowedFd into;
    std::string name, path;
  };

  static bool is_below(const Place& place) {
    struct stat st {};
    return std::any_of(place.from.begin() + static_cast<std::ptrdiff_t>(place.layer) + 1, place.from.end(),
                       [&](const auto& directory) {
                         return ::fstatat(directory.get(), place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
                       });
  }

  Result<> take(const Place& place, std::size_t depth) {
    BorrowedFd source = place.from[place.layer].get();
    struct stat st {};
    if (::fstatat(source, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("stat");
    if (is_whiteout(st) && is_below(place)) return {};
    if (!S_ISDIR(st.st_mode)) return copy_object(source, place.name, st, place.into, place.path, links_);
    if (::mkdirat(place.into, place.name.c_str(), 0700) < 0) return fail_errno("mkdir");
    UniqueFd made = TRY(sys::open_at(place.into, place.name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    TRY(merge(TRY(directories(place)), made.get(), place.path, depth + 1));
    return copy_attributes(source, place.name, place.into, place.name);
  }

  static Result<LayerDirectories> directories(const Place& place) {
    LayerDirectories out;
    for (std::size_t i = place.layer; i < place.from.size(); ++i) {
      auto next = sys::open_at2(place.from[i].get(), place.name, O_PATH | O_NOFOLLOW, kBeneath);
      if (!next && next.error().code == ENOENT) continue;
      if (!next) return std::unexpected(std::move(next).error());
      struct stat st = TRY(sys::stat_fd(next->get(), place.name));
      if (!S_ISDIR(st.st_mode)) break;
      if (has_mark(next->get(), "trusted.overlay.redirect"))
        return fail("a renamed directory (redirect_dir) cannot be taken over; use a volume");
      out.push_back(std::move(*next));
      if (is_opaque(out.back().get())) break;
    }
    return out;
  }

  Links links_;
};

}  // namespace

Result<LayerDirectories> find_in_layers(const OverlayLayers& layers, std::string_view inside) {
  LayerDirectories found;
  Descent upper = TRY(descend(layers.upper, inside));
  if (!upper.directory) return fail("is no directory of the upper layer");
  found.push_back(std::move(upper.directory));
  bool hidden = upper.hides_rest;
  for (const auto& layer : layers.lower) {
    if (hidden) break;
    Descent lower = TRY(descend(layer, inside));
    hidden = lower.hides_rest;
    if (lower.directory) found.push_back(std::move(lower.directory));
  }
  return found;
}

Result<bool> has_entries_below(const LayerDirectories& directories) {
  for (std::size_t i = 1; i < directories.size(); ++i) {
    auto stream = TRY(list(directories[i].get()));
    if (next_name(stream.get()) != nullptr) return true;
  }
  return false;
}

Result<> merge_layers(const LayerDirectories& directories, BorrowedFd into) {
  return Merger(into).merge(directories, into, "", 0);
}

}  // namespace bulkhead::sandbox
