#include "runtime/facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "plan/parts.h"
#include "runtime/data_directories.h"
#include "runtime/engine_sockets.h"
#include "runtime/survey.h"
#include "sys/file.h"
#include "sys/mount_info.h"
#include "sys/namespace.h"

namespace bulkhead::runtime {
namespace {

// What is mounted inside of the restricted directories.
Result<std::vector<plan::RestrictedMount>> restricted_mounts(const std::vector<plan::Object>& restricted) {
  std::vector<plan::RestrictedMount> found;
  UniqueFd root = TRY(sys::open_path("/", O_PATH | O_DIRECTORY));
  for (const auto& mount : TRY(sys::mounts_below(root.get(), "/")))
    for (std::size_t i = 0; i < restricted.size(); ++i) {
      const plan::Object& outer = restricted[i];
      if (mount.mount_point == outer.path || !plan::is_within(mount.mount_point, outer.path)) continue;
      found.push_back({i, {.spelled = outer.spelled + mount.mount_point.substr(outer.path.size()),
                           .path = mount.mount_point,
                           .fs_device = mount.device,
                           .fs_path = mount.root,
                           .fs_type = mount.type}});
    }
  return found;
}

plan::Source::Kind kind_of(mode_t mode) {
  using Kind = plan::Source::Kind;
  if (S_ISDIR(mode)) return Kind::kDirectory;
  if (S_ISSOCK(mode)) return Kind::kSocket;
  if (S_ISFIFO(mode)) return Kind::kFifo;
  if (S_ISBLK(mode)) return Kind::kBlockDevice;
  if (S_ISCHR(mode)) return Kind::kCharDevice;
  if (S_ISLNK(mode)) return Kind::kSymlink;
  return Kind::kFile;
}

// The name that the kernel gave a device, as devtmpfs has it; `path` when sysfs does not know the
// device (some drivers outside of the kernel make their nodes in user space) and the host's node of
// that path is this device. Empty: not a device of this host.
std::string device_name(bool block, std::uint32_t major_number, std::uint32_t minor_number,
                        const std::string& path) {
  auto event = sys::read_file(cat("/sys/dev/", block ? "block/" : "char/", major_number, ":",
                                  minor_number, "/uevent"), 65536);
  if (event)
    for (std::string_view line : split(*event, '\n'))
      if (line.starts_with("DEVNAME=")) return cat("/dev/", line.substr(8));
  struct stat st {};
  if (event || !path.starts_with("/dev/") || ::stat(path.c_str(), &st) < 0) return "";
  bool same = (block ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode)) &&
              st.st_rdev == makedev(major_number, minor_number);
  return same ? path : "";
}

// Sockets in a directory that engines listen on. Only root's are asked: an engine that can give the
// host away runs as root.
std::vector<plan::Object> engine_sockets_in(const plan::Object& directory) {
  std::vector<plan::Object> found;
  for (const auto& path : listening_sockets()) {
    auto fd = sys::open_path(path, O_PATH);
    struct stat st {};
    if (!fd || ::fstat(fd->get(), &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != 0) continue;
    auto socket = describe(fd->get(), path, st);
    if (!socket || socket->fs_device != directory.fs_device ||
        !plan::is_within(socket->fs_path, directory.fs_path))
      continue;
    std::string engine = engine_behind(fd->get());
    if (engine.empty()) continue;
    socket->spelled = engine;
    socket->path = socket->fs_path.substr(directory.fs_path == "/" ? 0 : directory.fs_path.size());
    found.push_back(std::move(*socket));
  }
  return found;
}

// Files of small restricted directories that the source could be a hard link of. Data roots are
// not walked: a hard link out of them needs the rights of their owner already.
constexpr std::size_t kLinkSearchEntries = 2048;

std::string hard_link_of(const struct stat& st, const std::vector<plan::Object>& restricted) {
  std::size_t seen = 0;
  for (const auto& object : restricted) {
    if (object.device != st.st_dev || !object.path.starts_with("/etc/")) continue;
    auto directory = sys::open_path(object.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) continue;
    if (sys::contains_inode(directory->get(), sys::identity(st), kLinkSearchEntries, seen))
      return object.spelled;
  }
  return "";
}

Result<plan::Source> describe_source(BorrowedFd fd, const std::string& spelled, bool recursive,
                                     const std::vector<plan::Object>& restricted) {
  plan::Source source;
  struct stat st {};
  source.object = TRY(describe(fd, spelled, st));
  source.kind = kind_of(st.st_mode);
  source.major = major(st.st_rdev);
  source.minor = minor(st.st_rdev);
  if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
    source.device_name =
        device_name(S_ISBLK(st.st_mode), source.major, source.minor, source.object.path);
  if (source.kind == plan::Source::Kind::kSocket) source.engine_socket_of = engine_behind(fd);
  if (source.kind == plan::Source::Kind::kFile && st.st_nlink > 1)
    source.hard_link_of = hard_link_of(st, restricted);
  if (source.kind == plan::Source::Kind::kDirectory)
    source.engine_sockets_below = engine_sockets_in(source.object);
  if (source.kind != plan::Source::Kind::kDirectory || !recursive) return source;
  for (const auto& mount : TRY(sys::mounts_below(fd, source.object.path)))
    source.mounts_below.push_back({.spelled = mount.mount_point,
                                   .path = mount.mount_point,
                                   .fs_device = mount.device,
                                   .fs_path = mount.root,
                                   .fs_type = mount.type});
  return source;
}

bool is_process_namespace(std::string_view path) {
  return path.starts_with("/proc/") && path.find("/ns/") != std::string_view::npos;
}

Result<plan::JoinedNamespace> describe_namespace(const spec::Namespace& ns, UniqueFd& fd) {
  const auto* kind = sys::find_namespace_kind(ns.type);
  if (!kind) return fail(cat("linux.namespaces: unknown type \"", ns.type, "\""));
  fd = TRY_IN(cat("linux.namespaces: ", ns.type), sys::open_path(ns.path, O_RDONLY));
  if (TRY(sys::namespace_type(fd.get(), ns.path)) != kind->clone_flag)
    return fail(cat("linux.namespaces: ", ns.path, " is not a ", ns.type, " namespace"));
  plan::JoinedNamespace joined{.type = ns.type, .path = ns.path};
  auto identity = TRY(sys::namespace_identity(fd.get()));
  // The caller's own, those of process 1 and of the kernel's threads (2): an engine may live in a
  // network namespace that is not the host's. Some hosts deny a look at process 1.
  for (pid_t pid : {0, 1, 2}) {
    auto host = sys::open_namespace(pid, kind->proc_name);
    if (!host && pid == 0) return std::unexpected(host.error());
    if (host) joined.is_host |= TRY(sys::namespace_identity(host->get())) == identity;
  }
  joined.of_process = is_process_namespace(ns.path);
  UniqueFd own_user = TRY(sys::open_namespace(0, "user"));
  auto initial = TRY(sys::namespace_identity(own_user.get()));
  sys::Identity owner;
  BorrowedFd owner_fd = fd.get();
  UniqueFd owner_holder;
  if (ns.type != "user") {
    owner_holder = TRY_IN(ns.path, sys::owner_of(fd.get()));
    owner_fd = owner_holder.get();
  }
  owner = TRY(sys::namespace_identity(owner_fd));
  joined.owner = owner.inode;
  joined.owner_is_host = owner == initial;
  if (!joined.owner_is_host) {
    auto ranges = sys::read_id_map(owner_fd, "uid_map");
    joined.owner_is_bulkhead = ranges && ranges->size() == 1 && (*ranges)[0].inside == 0 &&
                               (*ranges)[0].outside != 0 && (*ranges)[0].size >= 65536;
  }
  return joined;
}

}  // namespace

Result<Gathered> gather_facts(const spec::Spec& spec, const policy::Policy& policy,
                              const std::string& bundle, const std::string& rootfs) {
  Gathered out;
  out.facts.bundle = bundle;
  bool has_bind = false;
  for (const auto& mount : spec.mounts) has_bind |= plan::is_bind(mount);
  Survey survey;
  if (has_bind)
    for (const auto& restricted : policy.restricted)
      out.facts.restricted.push_back(TRY_IN("restricted path", survey.place_of(restricted.path)));
  if (has_bind) out.facts.restricted_mounts = TRY(restricted_mounts(out.facts.restricted));
  for (const auto& mount : spec.mounts) {
    out.sources.emplace_back();
    out.facts.sources.emplace_back();
    if (!plan::is_bind(mount)) continue;
    std::string path = mount.source.starts_with('/') ? mount.source : cat(bundle, "/", mount.source);
    UniqueFd fd = TRY_IN(cat("mount ", mount.destination), sys::open_path(path, O_PATH));
    bool recursive = std::ranges::find(mount.options, "rbind") != mount.options.end();
    out.facts.sources.back() =
        TRY_IN(cat("mount ", mount.source),
               describe_source(fd.get(), mount.source, recursive, out.facts.restricted));
    out.sources.back() = std::move(fd);
  }
  for (const auto& device : spec.linux_.devices)
    out.facts.device_names.push_back(device_name(device.type == 'b',
                                                 static_cast<std::uint32_t>(device.major),
                                                 static_cast<std::uint32_t>(device.minor),
                                                 plan::clean_path(device.path)));
  for (const auto& ns : spec.linux_.namespaces) {
    if (ns.path.empty()) continue;
    UniqueFd fd;
    out.facts.joined.push_back(TRY(describe_namespace(ns, fd)));
    out.namespaces.push_back(std::move(fd));
  }
  UniqueFd root = TRY_IN("root.path", sys::open_path(rootfs, O_PATH | O_DIRECTORY));
  out.facts.root_fs_type = TRY(sys::mount_of(root.get(), false)).type;
  if (out.facts.root_fs_type == "overlay")
    out.facts.data_directories = TRY(wanted_data_directories(policy, rootfs));
  return out;
}

}  // namespace bulkhead::runtime
