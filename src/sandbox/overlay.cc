#include "sandbox/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

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

Result<UniqueFd> idmapped(const std::string& path, BorrowedFd user_ns) {
  UniqueFd layer = TRY(sys::clone_tree(AT_FDCWD, path, false));
  TRY_IN(cat("layer ", path), sys::idmap(layer.get(), user_ns, false, path));
  return layer;
}

// lowerdir+ by fd needs 6.13; 6.5 takes lowerdir+ as a string, older ones one lowerdir string.
Result<> add_lower(sys::FsContext& fs, const std::vector<UniqueFd>& lower, std::size_t data_from) {
  bool by_fd = true;
  for (std::size_t i = 0; i < lower.size() && by_fd; ++i) {
    const char* key = i < data_from ? "lowerdir+" : "datadir+";
    if (auto set = fs.set_fd(key, lower[i].get()); !set) {
      if (i > 0) return set;
      by_fd = false;
    }
  }
  if (by_fd) return {};
  std::string text;
  for (std::size_t i = 0; i < lower.size(); ++i)
    text += cat(i == 0 ? "" : i < data_from ? ":" : "::", "/proc/self/fd/", lower[i].get());
  return fs.set("lowerdir", text.c_str());
}

// Upper and work must be on one mount: their nearest common parent is cloned and idmapped.
Result<> add_upper(sys::FsContext& fs, const OverlayLayers& layers, BorrowedFd user_ns,
                   std::vector<UniqueFd>& held) {
  std::string base = parent_of(layers.upper);
  while (!layers.work.starts_with(base == "/" ? base : base + "/")) base = parent_of(base);
  std::size_t skip = base == "/" ? 1 : base.size() + 1;
  held.push_back(TRY(idmapped(base, user_ns)));
  BorrowedFd tree = held.back().get();
  for (const auto& [key, path] : {std::pair{"upperdir", layers.upper}, {"workdir", layers.work}}) {
    held.push_back(TRY(sys::open_at(tree, path.substr(skip), O_PATH | O_DIRECTORY)));
    if (fs.set_fd(key, held.back().get())) continue;  // 6.13
    TRY(fs.set(key, cat("/proc/self/fd/", held.back().get()).c_str()));
  }
  return {};
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
  bool data = false;
  auto add_lower_text = [&](std::string_view text) {
    for (auto& layer : split_layers(text)) {
      if (layer.empty()) {
        data = true;  // "::" before a data-only layer
      } else {
        (data ? layers.data_only : layers.lower).push_back(std::move(layer));
      }
    }
  };
  for (std::string_view option : split(mount.options, ',')) {
    auto at = option.find('=');
    std::string_view key = option.substr(0, at);
    std::string_view value = at == std::string_view::npos ? "" : option.substr(at + 1);
    if (key == "lowerdir" || key == "lowerdir+") {
      add_lower_text(value);
    } else if (key == "datadir+") {
      layers.data_only.emplace_back(value);
    } else if (key == "upperdir") {
      layers.upper = split_layers(value).front();
    } else if (key == "workdir") {
      layers.work = split_layers(value).front();
    } else {
      for (std::string_view kept : kKept)
        if (key == kept) layers.options.emplace_back(key, value);
    }
  }
  if (layers.lower.empty())
    return fail(cat("overlay at ", mount.mount_point, ": no lowerdir in its options"));
  std::string base;
  for (auto* list : {&layers.lower, &layers.data_only})
    for (auto& layer : *list)
      if (layer[0] != '/') layer = cat(base = TRY(base_directory(mount, layer)), "/", layer);
  for (auto* path : {&layers.upper, &layers.work})
    if (!path->empty() && (*path)[0] != '/')
      *path = cat(TRY(base_directory(mount, *path)), "/", *path);
  return layers;
}

Result<UniqueFd> compose_overlay(const OverlayLayers& layers, BorrowedFd user_ns) {
  std::vector<UniqueFd> lower, held;
  for (const auto* list : {&layers.lower, &layers.data_only})
    for (const auto& path : *list) lower.push_back(TRY(idmapped(path, user_ns)));
  auto fs = TRY(sys::FsContext::open("overlay"));
  TRY(fs.set("source", "overlay"));
  TRY(add_lower(fs, lower, layers.lower.size()));
  if (!layers.upper.empty()) TRY(add_upper(fs, layers, user_ns, held));
  for (const auto& [key, value] : layers.options)
    TRY(value.empty() ? fs.set_flag(key.c_str()) : fs.set(key.c_str(), value.c_str()));
  return fs.mount(0);
}

}  // namespace bulkhead::sandbox
