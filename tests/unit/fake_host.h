// Test helper: a host made of a mount table and a few objects, which gives plan/ the facts that
// runtime/facts.cc would have found there. Paths that nobody declared are directories on the file
// system that their mount says; restricted paths exist unless declared missing.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plan/facts.h"
#include "plan/parts.h"
#include "policy/policy.h"
#include "spec/types.h"

namespace bulkhead::testing {

class FakeHost {
 public:
  using Kind = plan::Source::Kind;

  FakeHost() {
    mount("/", 0x801, "ext4");
    mount("/proc", 4, "proc");
    mount("/sys", 5, "sysfs");
    mount("/dev", 6, "devtmpfs");
    mount("/run", 7, "tmpfs");
  }

  // `root`: what of its file system is mounted there (a bind alias when it is not "/").
  void mount(const std::string& point, std::uint64_t device, const std::string& type,
             const std::string& root = "/") {
    mounts_.push_back({point, root, type, device});
  }
  void file(const std::string& path) { kinds_[path] = Kind::kFile; }
  void node(const std::string& path, Kind kind, std::uint32_t major, std::uint32_t minor) {
    kinds_[path] = kind;
    numbers_[path] = {major, minor};
  }
  // Another name of the same inode.
  void hard_link(const std::string& path, const std::string& of) {
    kinds_[path] = Kind::kFile;
    inode_of_[path] = of;
  }
  void symlink(const std::string& path, const std::string& target) { links_[path] = target; }
  void missing(const std::string& path) { missing_.insert(path); }

  std::string resolve(std::string path) const {
    path = plan::clean_path(path);
    for (bool again = true; again;) {
      again = false;
      for (const auto& [from, to] : links_)
        if (plan::is_within(path, from)) {
          path = plan::clean_path(to + path.substr(from.size()));
          again = true;
        }
    }
    return path;
  }

  plan::Object object(const std::string& spelled) const {
    std::string path = resolve(spelled);
    const Mounted& on = mount_of(path);
    std::string rest = path.substr(on.point == "/" ? 1 : on.point.size());
    if (rest.starts_with('/')) rest.erase(0, 1);
    std::string place = on.root == "/" ? "/" + rest : rest.empty() ? on.root : on.root + "/" + rest;
    plan::Object out{.spelled = spelled, .path = path, .fs_device = on.device, .fs_path = place,
                     .fs_type = on.type};
    if (missing_.contains(path)) return out;
    auto same = inode_of_.find(path);
    const plan::Object named = same == inode_of_.end() ? out : object(same->second);
    out.device = named.fs_device;
    out.inode = 1 + std::hash<std::string>()(std::to_string(named.fs_device) + named.fs_path) % 1000000;
    return out;
  }

  plan::Source source(const std::string& spelled, bool recursive = true) const {
    plan::Source out{.object = object(spelled)};
    if (auto found = kinds_.find(out.object.path); found != kinds_.end()) out.kind = found->second;
    if (auto found = numbers_.find(out.object.path); found != numbers_.end())
      std::tie(out.major, out.minor) = found->second;
    if (out.kind == Kind::kCharDevice || out.kind == Kind::kBlockDevice)
      out.device_name = device_name(out.kind == Kind::kBlockDevice, out.major, out.minor);
    if (!recursive || out.kind != Kind::kDirectory) return out;
    for (const auto& below : mounts_)
      if (below.point != out.object.path && plan::is_within(below.point, out.object.path))
        out.mounts_below.push_back({.spelled = below.point, .path = below.point,
                                    .fs_device = below.device, .fs_path = below.root,
                                    .fs_type = below.type});
    return out;
  }

  plan::Facts facts(const policy::Policy& policy, const spec::Spec& spec = {}) const {
    plan::Facts out{.bundle = "/run/bundle", .root_fs_type = "overlay"};
    for (const auto& restricted : policy.restricted) out.restricted.push_back(object(restricted.path));
    for (const auto& mount : spec.mounts) {
      bool recursive = std::ranges::find(mount.options, "rbind") != mount.options.end();
      out.sources.emplace_back();
      if (plan::is_bind(mount)) out.sources.back() = source(mount.source, recursive);
    }
    for (const auto& device : spec.linux_.devices) out.device_names.push_back(device_name(device.type == 'b', device.major, device.minor));
    return out;
  }

 private:
  struct Mounted {
    std::string point, root, type;
    std::uint64_t device;
  };

  const Mounted& mount_of(const std::string& path) const {
    const Mounted* best = &mounts_.front();
    for (const auto& candidate : mounts_)
      if (plan::is_within(path, candidate.point) && candidate.point.size() >= best->point.size())
        best = &candidate;
    return *best;
  }

  // The kernel's name of a device: that of the host's node in /dev, never of one in a volume.
  std::string device_name(bool block, std::int64_t major, std::int64_t minor) const {
    for (const auto& [path, numbers] : numbers_)
      if (plan::is_within(path, "/dev") && numbers.first == major && numbers.second == minor &&
          (kinds_.at(path) == Kind::kBlockDevice) == block)
        return path;
    return "";
  }

  std::vector<Mounted> mounts_;
  std::map<std::string, Kind> kinds_;
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> numbers_;
  std::map<std::string, std::string> links_, inode_of_;
  std::set<std::string> missing_;
};

}  // namespace bulkhead::testing
