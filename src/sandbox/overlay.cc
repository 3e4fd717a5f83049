#include "sandbox/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace bulkhead::sandbox {
namespace {

// Options of the engine's own mount that change what the container sees; the rest (uuid, xino...)
// the kernel chooses for itself, index and nfs_export must not be on twice for one upper.
constexpr std::string_view kKept[] = {"userxattr", "metacopy", "redirect_dir", "volatile"};

std::string parent_of(std::string_view path) {
  auto at = path.rfind('/');
  return std::string(at == 0 || at == std::string_view::npos ? "/" : path.substr(0, at));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The directory that relative layers are relative to: a parent of the mount point.
Result<std::string> base_directory(const sys::MountInfo& mount, const std::string& layer) {
  for (std::string base = parent_of(mount.mount_point);; base = parent_of(base)) {
    if (exists(cat(base, "/", layer))) return base;
    if (base == "/")
      return fail(cat("overlay at ", mount.mount_point, ": layer ", layer, " was not found"));
  }
}

// One path, in which a colon is a colon.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

Result<UniqueFd> idmapped(const std::string& path, BorrowedFd user_ns) {
  UniqueFd layer = TRY(sys::clone_tree(AT_FDCWD, path, false));
  TRY_IN(cat("layer ", path), sys::idmap(layer.get(), user_ns, false, path));
  return layer;
}

// The idmapped layers, open.
struct OpenLayers {
  std::vector<UniqueFd> lower;  // data-only ones last
  std::size_t data_from = 0;
  UniqueFd base, upper, work;   // base: the tree that upper and work are in
  std::string base_path;
};

Result<UniqueFd> own_work_directory(BorrowedFd work, const std::string& name) {
  if (::mkdirat(work, name.c_str(), 0700) < 0 && errno != EEXIST)
    return fail_errno(cat("mkdir ", name, " in the overlay's work directory"));
  return sys::open_at(work, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

// Upper and work must be on one mount: their nearest common parent is cloned and idmapped.
Result<OpenLayers> open_layers(const OverlayLayers& layers, BorrowedFd user_ns, const std::string& work_name) {
  OpenLayers open;
  for (const auto* list : {&layers.lower, &layers.data_only})
    for (const auto& path : *list) open.lower.push_back(TRY(idmapped(path, user_ns)));
  open.data_from = layers.lower.size();
  if (layers.upper.empty()) return open;
  std::string base = parent_of(layers.upper);
  while (!layers.work.starts_with(base == "/" ? base : base + "/")) base = parent_of(base);
  std::size_t skip = base == "/" ? 1 : base.size() + 1;
  open.base = TRY(idmapped(base, user_ns));
  open.base_path = base;
  open.upper = TRY(sys::open_at(open.base.get(), layers.upper.substr(skip), O_PATH | O_DIRECTORY));
  UniqueFd work = TRY(sys::open_at(open.base.get(), layers.work.substr(skip), O_PATH | O_DIRECTORY));
  open.work = TRY(own_work_directory(work.get(), work_name));
  return open;
}

// 6.15: every layer is given as an fd, detached as it is.
Result<UniqueFd> mount_by_fds(sys::FsContext& fs, const OpenLayers& open, const OverlayLayers& layers) {
  for (std::size_t i = 1; i < open.lower.size(); ++i)
    TRY(fs.set_fd(i < open.data_from ? "lowerdir+" : "datadir+", open.lower[i].get()));
  if (open.upper) {
    TRY(fs.set_fd("upperdir", open.upper.get()));
    TRY(fs.set_fd("workdir", open.work.get()));
  }
  for (const auto& [key, value] : layers.options)
    TRY(value.empty() ? fs.set_flag(key.c_str()) : fs.set(key.c_str(), value.c_str()));
  return fs.mount(0);
}

// Before 6.15 a layer must be attached in the caller's mount namespace (seen on 6.1 and 6.12: EINVAL):
// each goes over its own place in this private one.
Result<> attach_layers(const OpenLayers& open, const OverlayLayers& layers) {
  std::size_t i = 0;
  for (const auto* list : {&layers.lower, &layers.data_only})
    for (const auto& path : *list)
      TRY(sys::attach(open.lower[i++].get(), TRY(sys::open_path(path, O_PATH)).get(), path));
  if (!open.base) return {};
  return sys::attach(open.base.get(), TRY(sys::open_path(open.base_path, O_PATH)).get(), open.base_path);
}

// mount(2) with the fds' numbers as paths relative to /proc/self/fd, which keeps 128 layers within
// the page that the kernel takes; over the topmost layer, cloned, and taken off again.
Result<UniqueFd> mount_by_names(const OpenLayers& open, const OverlayLayers& layers) {
  TRY(attach_layers(open, layers));
  std::string options = "lowerdir=";
  for (std::size_t i = 0; i < open.lower.size(); ++i)
    options += cat(i == 0 ? "" : i < open.data_from ? ":" : "::", open.lower[i].get());
  if (open.upper) options += cat(",upperdir=", open.upper.get(), ",workdir=", open.work.get());
  for (const auto& [key, value] : layers.options) options += cat(",", key, value.empty() ? "" : "=", value);
  UniqueFd back = TRY(sys::open_path(".", O_PATH | O_DIRECTORY));
  if (::chdir("/proc/self/fd") < 0) return fail_errno("chdir /proc/self/fd");
  const std::string place = layers.lower.front();
  int mounted = ::mount("overlay", place.c_str(), "overlay", 0, options.c_str());
  int code = errno;
  if (::fchdir(back.get()) < 0) return fail_errno("return to the working directory");
  if (mounted < 0) return fail_errno(cat("mount overlay with ", options), code);
  auto clone = sys::clone_tree(AT_FDCWD, place, false);
  if (::umount2(place.c_str(), MNT_DETACH) < 0) return fail_errno("detach the overlay");
  return clone;
}

// The value of "lowerdir=": an empty name stands before data-only layers ("a:b::c").
void read_lower(std::string_view text, OverlayLayers& layers) {
  bool data = false;
  for (auto& layer : split_layers(text)) {
    if (layer.empty()) {
      data = true;
    } else {
      (data ? layers.data_only : layers.lower).push_back(std::move(layer));
    }
  }
}

// "lowerdir=" as a whole and, by mount(2), "upperdir=" and "workdir=" hold the engine's own escapes
// ("\:", "\,"); what came one by one through fsconfig(2) ("lowerdir+=") is a plain path.
void read_option(std::string_view option, OverlayLayers& layers) {
  auto at = option.find('=');
  std::string_view key = option.substr(0, at);
  std::string value = sys::unescape_octal(at == std::string_view::npos ? "" : option.substr(at + 1));
  if (key == "lowerdir") {
    read_lower(value, layers);
  } else if (key == "lowerdir+") {
    layers.lower.push_back(std::move(value));
  } else if (key == "datadir+") {
    layers.data_only.push_back(std::move(value));
  } else if (key == "upperdir") {
    layers.upper = without_escapes(value);
  } else if (key == "workdir") {
    layers.work = without_escapes(value);
  } else if (std::ranges::find(kKept, key) != std::end(kKept)) {
    layers.options.emplace_back(key, value);
  }
}

}  // namespace

std::vector<std::string> split_layers(std::string_view text) {
  std::vector<std::string> layers(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      layers.back() += text[++i];
    } else if (text[i] == ':') {
      layers.emplace_back();
    } else {
      layers.back() += text[i];
    }
  }
  return layers;
}

Result<OverlayLayers> overlay_layers(const sys::MountInfo& mount) {
  OverlayLayers layers;
  for (std::string_view option : split(mount.options, ',')) read_option(option, layers);
  if (layers.lower.empty())
    return fail(cat("overlay at ", mount.mount_point, ": no lowerdir in its options"));
  if (layers.upper.empty() != layers.work.empty())
    return fail(cat("overlay at ", mount.mount_point, ": upperdir and workdir go together"));
  for (auto* list : {&layers.lower, &layers.data_only})
    for (auto& layer : *list)
      if (layer[0] != '/') layer = cat(TRY(base_directory(mount, layer)), "/", layer);
  for (auto* path : {&layers.upper, &layers.work})
    if (!path->empty() && (*path)[0] != '/')
      *path = cat(TRY(base_directory(mount, *path)), "/", *path);
  return layers;
}

Result<UniqueFd> compose_overlay(const OverlayLayers& layers, BorrowedFd user_ns, const std::string& work_name) {
  OpenLayers open = TRY(open_layers(layers, user_ns, work_name));
  auto fs = TRY(sys::FsContext::open("overlay"));
  TRY(fs.set("source", "overlay"));
  if (fs.set_fd("lowerdir+", open.lower.front().get())) return mount_by_fds(fs, open, layers);
  return mount_by_names(open, layers);
}

}  // namespace bulkhead::sandbox
