#include "sandbox/tree.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/strings.h"
#include "sandbox/console.h"
#include "sandbox/data_directory.h"
#include "sandbox/overlay.h"
#include "sandbox/target.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::uint64_t kAnyAtime = MOUNT_ATTR__ATIME;

// Option values that are ids, in the container's terms in the spec and in the host's for the kernel.
std::string host_value(const std::string& key, const std::string& value, const HostIds& ids) {
  auto number = parse_decimal<std::uint32_t>(value);
  if (key == "uid" && number) return std::to_string(ids.uid + *number);
  if (key == "gid" && number) return std::to_string(ids.gid + *number);
  return value;
}

Result<> configure(sys::FsContext& fs, const plan::MountFlags& flags, const HostIds& ids) {
  for (const auto& [key, value] : flags.data) {
    if (value.empty()) {
      TRY(fs.set_flag(key.c_str()));
    } else {
      TRY(fs.set(key.c_str(), host_value(key, value, ids).c_str()));
    }
  }
  return {};
}

// For mounts whose attributes are set at birth.
std::uint64_t birth_attributes(const plan::MountFlags& flags) { return flags.set; }

Result<> set_late(BorrowedFd mount, const plan::MountFlags& flags, std::string_view name) {
  if (flags.recursive_set || flags.recursive_clear)
    TRY(sys::set_attributes(mount, {.set = flags.recursive_set,
                                    .clear = flags.recursive_set & kAnyAtime ? kAnyAtime : 0},
                            true, name));
  if (flags.propagation)
    TRY(sys::set_attributes(mount, {.propagation = flags.propagation},
                            flags.propagation_recursive, name));
  return {};
}

// An init system without --privileged keeps its units in systemd's own hierarchy, or in cgroup2: no
// limit of the container can be changed there.
std::uint64_t cgroup_attributes(const plan::MountCgroup& step, const cgroup::View& view) {
  bool units = view.name.empty() || view.name == "systemd" || view.name == "unified";
  bool writable = step.init_writable && units && view.delegated;
  return writable ? step.flags.set & ~std::uint64_t{MOUNT_ATTR_RDONLY} : step.flags.set;
}

Result<UniqueFd> open_null() {
  UniqueFd null = TRY(sys::open_path("/dev/null", O_PATH | O_NOFOLLOW));
  struct stat st = TRY(sys::stat_fd(null.get(), "/dev/null"));
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))  // CVE-2025-31133
    return fail("/dev/null of the host is not the null device; masks cannot be made");
  return null;
}

}  // namespace

Result<RootIdentity> RootIdentity::assume(const HostIds& ids) {
  int bits = prctl(PR_GET_SECUREBITS);
  if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
    return fail_errno("set secure bits");
  RootIdentity identity;
  setfsgid(ids.gid);
  setfsuid(ids.uid);
  if (static_cast<uid_t>(setfsuid(ids.uid)) != ids.uid ||
      static_cast<gid_t>(setfsgid(ids.gid)) != ids.gid)
    return fail("cannot act as the container's root on files");
  return identity;
}

RootIdentity::~RootIdentity() {
  if (!active_) return;
  setfsuid(0);
  setfsgid(0);
  prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) & ~SECBIT_NO_SETUID_FIXUP);
}

Result<Tree> Tree::make_root(const TreeInputs& inputs) {
  Tree tree(inputs);
  const auto& plan = inputs.plan.root;
  tree.null_ = TRY(open_null());
  UniqueFd place = TRY_IN("root", sys::open_path(plan.path, O_PATH | O_DIRECTORY));
  sys::MountInfo mount = TRY(sys::mount_of(place.get(), true));
  if (plan.is_overlay) {
    tree.root_ = TRY_IN("root", compose_overlay(TRY(overlay_layers(mount)),
                                                inputs.namespaces.user.get(), tree.work_name()));
    std::string inner = plan.path == mount.mount_point ? "" : plan.path.substr(std::min(
        plan.path.size(), mount.mount_point.size()));
    if (!inner.empty()) {  // the root is a directory of the overlay
      TRY(sys::attach(tree.root_.get(), TRY(sys::open_path(mount.mount_point, O_PATH)).get(), "root"));
      tree.root_ = TRY(sys::clone_tree(AT_FDCWD, plan.path, false));
      place = TRY(sys::open_path(plan.path, O_PATH | O_DIRECTORY));
    }
  } else {
    tree.root_ = TRY(sys::clone_tree(place.get(), "", true));
    if (plan.idmapped)
      TRY_IN("root", sys::idmap(tree.root_.get(), inputs.namespaces.user.get(), true, plan.path));
  }
  // Device nodes of an image or a volume are never openable: the container's /dev is a tmpfs.
  TRY(sys::set_attributes(tree.root_.get(), {.set = MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE},
                          true, "root"));
  TRY(sys::attach(tree.root_.get(), place.get(), "root"));
  for (const auto& path : plan.data_directories) TRY(tree.mount_data(mount, path));
  if (plan.is_overlay) tree.bare_root_ = TRY(sys::clone_tree(tree.root_.get(), "", true));
  return tree;
}

// A directory of the upper layer itself over its place in the overlay (data_directory.h).
Result<> Tree::mount_data(const sys::MountInfo& overlay, const std::string& path) {
  UniqueFd target = TRY(make_target(root_.get(), path, TargetKind::kDirectory));
  // A change, if of nothing, makes overlayfs copy the directory and those above it to the upper layer.
  if (::fchownat(target.get(), "", static_cast<uid_t>(-1), static_cast<gid_t>(-1), AT_EMPTY_PATH) < 0)
    return fail_errno(cat("copy up ", path));
  std::string resolved = TRY(sys::fd_path(target.get()));
  std::string top = overlay.mount_point == "/" ? "" : overlay.mount_point;
  if (!resolved.starts_with(top + "/")) return fail(cat(path, " leads out of the container's root"));
  auto layers = TRY(overlay_layers(overlay));
  UniqueFd own = TRY(own_directory(layers, resolved.substr(top.size() + 1), path));
  if (in_.plan.root.idmapped) TRY_IN(path, sys::idmap(own.get(), in_.namespaces.user.get(), false, path));
  TRY(sys::set_attributes(own.get(), {.set = MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE}, false, path));
  return sys::attach(own.get(), target.get(), path);
}

// The range is this container's alone while it lives, and one after another's: few names are ever made.
std::string Tree::work_name() { return cat("bulkhead-", in_.ids.uid, "-", overlays_++); }

Result<> Tree::build() {
  for (const auto& step : in_.plan.steps)
    TRY(std::visit([this](const auto& typed) { return execute(*this, typed); }, step));
  return {};
}

Result<> Tree::operator()(const plan::MountFileSystem& step) {
  UniqueFd mount = TRY_IN(cat("mount ", step.target), new_file_system(step));
  if (step.type == "proc" || step.type == "sysfs") TRY(refuse_symlink(root_.get(), step.target));
  UniqueFd target = TRY(make_target(root_.get(), step.target, TargetKind::kDirectory));
  if (step.flags.copy_up) TRY_IN(step.target, copy_tree(target.get(), mount.get()));
  TRY(sys::attach(mount.get(), target.get(), step.target));
  TRY(set_late(mount.get(), step.flags, step.target));
  if (step.type == "tmpfs" && (step.flags.set & MOUNT_ATTR_RDONLY))
    readonly_later_.emplace_back(mount.get(), step.target);
  if (step.type == "tmpfs" && step.target == "/dev") dev_ = mount.get();
  if (step.type == "devpts" && step.target == "/dev/pts")
    devpts_ = TRY(sys::open_at(mount.get(), ".", O_PATH | O_DIRECTORY));
  mounts_.push_back(std::move(mount));
  return {};
}

Result<UniqueFd> Tree::new_file_system(const plan::MountFileSystem& step) {
  if (step.type == "proc") return new_proc(step);
  if (step.type == "devpts") return new_devpts(step);
  if (step.type == "tmpfs") return new_tmpfs(step);
  const char* type = step.type == "sysfs" ? "sysfs" : "mqueue";
  auto make = [&]() -> Result<UniqueFd> {
    auto fs = TRY(sys::FsContext::open(type));
    TRY(fs.set("source", type));
    TRY(configure(fs, step.flags, in_.ids));
    UniqueFd mount = TRY(fs.mount(birth_attributes(step.flags)));
    if (step.type == "mqueue" && ::fchownat(mount.get(), ".", in_.ids.uid, in_.ids.gid, 0) < 0)
      return fail_errno("own mqueue");
    return mount;
  };
  // Both show the namespace of the process that mounts them: a sysfs made elsewhere would list the
  // host's interfaces.
  const auto& ns = in_.namespaces;
  return step.type == "sysfs"
             ? inside(ns.network.get(), ns.host_network.get(), CLONE_NEWNET, make)
             : inside(ns.ipc.get(), ns.host_ipc.get(), CLONE_NEWIPC, make);
}

Result<UniqueFd> Tree::new_proc(const plan::MountFileSystem& step) {
  auto fs = TRY(sys::FsContext::open("proc"));
  TRY(fs.set("source", "proc"));
  if (fs.set_fd("pidns", in_.namespaces.pid.get())) {  // 6.17
    TRY(configure(fs, step.flags, in_.ids));
    return fs.mount(birth_attributes(step.flags));
  }
  // Before, a procfs is of the pid namespace of the process that makes it: a child inside does it, in
  // a shared fd table.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  UniqueFd own = TRY(sys::open_namespace(0, "pid"));
  auto attributes = static_cast<unsigned>(birth_attributes(step.flags));
  if (::setns(in_.namespaces.pid.get(), CLONE_NEWPID) < 0) return fail_errno("enter the pid namespace");
  auto child = sys::clone_process(CLONE_FILES);
  if (child && *child == 0) {
    int answer = ::fsopen("proc", FSOPEN_CLOEXEC);
    if (answer >= 0) ::fsconfig(answer, FSCONFIG_SET_STRING, "source", "proc", 0);
    if (answer >= 0 && ::fsconfig(answer, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
      answer = ::fsmount(answer, FSMOUNT_CLOEXEC, attributes);
    [[maybe_unused]] auto n = ::write(write_end.get(), &answer, sizeof answer);
    ::_exit(0);
  }
  if (::setns(own.get(), CLONE_NEWPID) < 0) ::_exit(125);  // later children would be the container's
  if (!child) return std::unexpected(child.error());
  TRY(sys::wait_for(*child));
  int made = -1;
  if (::read(read_end.get(), &made, sizeof made) != sizeof made || made < 0)
    return fail("proc could not be mounted in the container's pid namespace");
  return UniqueFd(made);
}

Result<UniqueFd> Tree::new_devpts(const plan::MountFileSystem& step) {
  auto fs = TRY(sys::FsContext::open("devpts"));
  TRY(fs.set("source", "devpts"));
  TRY(configure(fs, step.flags, in_.ids));
  UniqueFd mount = TRY(fs.mount(birth_attributes(step.flags)));
  // The kernel gives both to the mounter's uid 0, which is nobody inside.
  for (const char* name : {"ptmx", "."})
    if (::fchownat(mount.get(), name, in_.ids.uid, in_.ids.gid, AT_SYMLINK_NOFOLLOW) < 0)
      return fail_errno(cat("own devpts ", name));
  return mount;
}

Result<UniqueFd> Tree::new_tmpfs(const plan::MountFileSystem& step) {
  auto fs = TRY(sys::FsContext::open("tmpfs"));
  TRY(fs.set("source", step.source.empty() ? "tmpfs" : step.source.c_str()));
  TRY(configure(fs, step.flags, in_.ids));
  bool is_dev = step.target == "/dev";
  std::uint64_t attributes = birth_attributes(step.flags) & ~std::uint64_t{MOUNT_ATTR_RDONLY};
  if (!is_dev) attributes |= MOUNT_ATTR_NODEV;
  return fs.mount(attributes);
}

Result<> Tree::operator()(const plan::MountCgroup& step) {
  UniqueFd target = TRY(make_target(root_.get(), step.target, TargetKind::kDirectory));
  bool unified = in_.cgroups.size() == 1 && in_.cgroups[0].name.empty();
  if (unified) {
    UniqueFd mount = TRY(sys::clone_tree(in_.cgroups[0].directory.get(), "", false));
    TRY(sys::set_attributes(mount.get(), {.set = cgroup_attributes(step, in_.cgroups[0]),
                                          .propagation = MS_PRIVATE}, false, step.target));
    TRY(sys::attach(mount.get(), target.get(), step.target));
    return {};
  }
  auto fs = TRY(sys::FsContext::open("tmpfs"));
  TRY(fs.set("source", "tmpfs"));
  TRY(fs.set("mode", "755"));
  UniqueFd top = TRY(fs.mount(step.flags.set & ~std::uint64_t{MOUNT_ATTR_RDONLY}));
  TRY(sys::attach(top.get(), target.get(), step.target));
  bool writable = !(step.flags.set & MOUNT_ATTR_RDONLY);
  for (const auto& view : in_.cgroups) {
    // An engine inside would fail on a hierarchy that it may not write; it skips one that is not there.
    if (writable && !view.delegated) continue;
    if (::mkdirat(top.get(), view.name.c_str(), 0755) < 0)
      return fail_errno(cat("mkdir ", step.target, "/", view.name));
    UniqueFd mount = TRY(sys::clone_tree(view.directory.get(), "", false));
    TRY(sys::set_attributes(mount.get(), {.set = cgroup_attributes(step, view), .propagation = MS_PRIVATE}, false,
                            view.name));
    UniqueFd place = TRY(sys::open_at(top.get(), view.name, O_PATH | O_DIRECTORY));
    TRY(sys::attach(mount.get(), place.get(), view.name));
    auto controllers = split(view.name, ',');
    if (controllers.size() < 2) continue;
    for (std::string_view controller : controllers)  // cpu -> cpu,cpuacct
      if (::symlinkat(view.name.c_str(), top.get(), std::string(controller).c_str()) < 0)
        return fail_errno(cat("symlink ", controller));
  }
  if (step.flags.set & MOUNT_ATTR_RDONLY)
    TRY(sys::set_attributes(top.get(), {.set = MOUNT_ATTR_RDONLY}, false, step.target));
  return {};
}

Result<UniqueFd> Tree::clone_source(const plan::MountBind& step) {
  BorrowedFd source = in_.sources[step.source].get();
  BorrowedFd user = in_.namespaces.user.get();
  UniqueFd tree = TRY(sys::clone_tree(source, "", step.flags.recursive));
  if (!step.idmapped) return tree;
  auto mapped = sys::idmap(tree.get(), user, step.flags.recursive, step.source_path);
  if (mapped) return tree;
  if (step.flags.recursive) {
    // Something mounted below cannot be idmapped (FUSE, NFS...): it stays out, what it covers shows.
    UniqueFd top = TRY(sys::clone_tree(source, "", false));
    if (sys::idmap(top.get(), user, false, step.source_path)) {
      warnings_.push_back(cat(step.source_path, ": file systems mounted below it cannot be "
                              "idmapped and are left out of the container"));
      return top;
    }
  }
  auto mount = TRY(sys::mount_of(source, true));
  if (mount.type == "tmpfs") {
    // Before 6.3 tmpfs has no idmapped mounts. What a container makes there belongs to its own host
    // ids, and shows naturally inside; what was there before shows as nobody. Engines hand out /dev/shm
    // so.
    warnings_.push_back(cat(step.source_path, ": this kernel cannot idmap tmpfs (needs 6.3); bound as it is"));
    return sys::clone_tree(source, "", step.flags.recursive);
  }
  if (mount.type != "overlay" && step.unmapped_readonly) {
    warnings_.push_back(cat(step.source_path, ": its file system (", mount.type,
                            ") does not support idmapped mounts; bound read-only as it is"));
    UniqueFd plain = TRY(sys::clone_tree(source, "", false));
    TRY(sys::set_attributes(plain.get(), {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID}, false,
                            step.source_path));
    return plain;
  }
  if (mount.type != "overlay")
    return fail(cat("can't mount ", step.source_path, ": its file system (", mount.type,
                    ") does not support idmapped mounts; use a directory on ext4, xfs, btrfs, "
                    "tmpfs or overlay"));
  // A directory of an overlay: the same overlay again from idmapped layers, and the directory of it.
  UniqueFd overlay = TRY_IN(step.source_path, compose_overlay(TRY(overlay_layers(mount)), user, work_name()));
  TRY(sys::attach(overlay.get(), TRY(sys::open_path(mount.mount_point, O_PATH)).get(), mount.mount_point));
  return sys::clone_tree(AT_FDCWD, TRY(sys::fd_path(source)), false);
}

Result<> Tree::operator()(const plan::MountBind& step) {
  UniqueFd tree = TRY_IN(cat("mount ", step.target), clone_source(step));
  auto kind = step.is_directory ? TargetKind::kDirectory : TargetKind::kFile;
  UniqueFd target = TRY(make_target(root_.get(), step.target, kind));
  if (TRY(sys::fs_magic(target.get())) == PROC_SUPER_MAGIC && !step.into_proc)
    return fail(cat("mount ", step.target, ": resolves into /proc of the container"));
  // Flags that the source's mount has are kept, whatever the options say: the kernel's rule for
  // less privileged mounters is the right one here too.
  std::uint64_t set = step.flags.set | (step.is_node ? 0 : std::uint64_t{MOUNT_ATTR_NODEV});
  // Once private a mount has no master to be a slave of. What the host mounts there later is not
  // idmapped: it shows, its host-owned files as nobody's.
  bool follows_host = step.flags.propagation == MS_SLAVE || step.flags.propagation == MS_SHARED;
  std::uint64_t propagation = follows_host ? MS_SLAVE : MS_PRIVATE;
  TRY(sys::set_attributes(tree.get(), {.set = set,
                                       .clear = step.flags.set & kAnyAtime ? kAnyAtime : 0,
                                       .propagation = propagation},
                          false, step.target));
  if (step.flags.recursive && !step.is_node)
    TRY(sys::set_attributes(tree.get(), {.set = MOUNT_ATTR_NODEV}, true, step.target));
  TRY(sys::attach(tree.get(), target.get(), step.target));
  return set_late(tree.get(), step.flags, step.target);
}

Result<> Tree::operator()(const plan::MakeNode& step) {
  bool on_dev = dev_ >= 0 && step.path.starts_with("/dev/");
  if (!on_dev && step.type != 'p') return bind_host_node(step);
  std::string name;
  UniqueFd parent = TRY(make_parent(root_.get(), step.path, name));
  mode_t type = step.type == 'b' ? S_IFBLK : step.type == 'p' ? S_IFIFO : S_IFCHR;
  if (::mknodat(parent.get(), name.c_str(), type, makedev(step.major, step.minor)) < 0) {
    if (errno == EEXIST) return {};
    return fail_errno(cat("make device ", step.path));
  }
  if (::fchownat(parent.get(), name.c_str(), in_.ids.uid + step.uid, in_.ids.gid + step.gid,
                 AT_SYMLINK_NOFOLLOW) < 0 ||
      ::fchmodat(parent.get(), name.c_str(), step.mode & 07777, 0) < 0)
    return fail_errno(cat("own device ", step.path));
  return {};
}

// /dev is the image's or a volume, where nodes cannot be opened (nodev): the host's own node is
// bound, if it is the device that the plan names.
Result<> Tree::bind_host_node(const plan::MakeNode& step) {
  auto host = sys::open_path(step.path, O_PATH | O_NOFOLLOW);
  if (!host && host.error().code == ENOENT) return {};
  if (!host) return std::unexpected(host.error());
  struct stat st = TRY(sys::stat_fd(host->get(), step.path));
  bool same = st.st_rdev == makedev(step.major, step.minor) &&
              (step.type == 'b' ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode));
  if (!same) return fail(cat("device ", step.path, ": the host's node is another device"));
  UniqueFd tree = TRY(sys::clone_tree(host->get(), "", false));
  UniqueFd target = TRY(make_target(root_.get(), step.path, TargetKind::kFile));
  return sys::attach(tree.get(), target.get(), step.path);
}

Result<> Tree::operator()(const plan::MakeSymlink& step) {
  std::string name;
  UniqueFd parent = TRY(make_parent(root_.get(), step.path, name));
  if (::symlinkat(step.target.c_str(), parent.get(), name.c_str()) < 0 && errno != EEXIST)
    return fail_errno(cat("symlink ", step.path));
  return {};
}

Result<> Tree::operator()(const plan::MakeConsole&) {
  if (!devpts_) return fail("process.terminal needs a devpts mount on /dev/pts");
  auto pair = TRY(open_pty(devpts_.get()));
  UniqueFd tree = TRY(sys::clone_tree(pair.slave.get(), "", false));
  UniqueFd target = TRY(make_target(root_.get(), "/dev/console", TargetKind::kFile));
  TRY(sys::attach(tree.get(), target.get(), "/dev/console"));
  console_master_ = std::move(pair.master);
  console_slave_ = std::move(pair.slave);
  return {};
}

Result<> Tree::operator()(const plan::MaskPath& step) {
  auto target = find_target(root_.get(), step.path);
  if (!target && (target.error().code == ENOENT || target.error().code == ENOTDIR)) return {};
  if (!target) return std::unexpected(std::move(target).error().wrap("mask"));
  struct stat st = TRY(sys::stat_fd(target->get(), step.path));
  UniqueFd cover;
  if (S_ISDIR(st.st_mode)) {
    if (!empty_directory_) {
      auto fs = TRY(sys::FsContext::open("tmpfs"));
      TRY(fs.set("source", "tmpfs"));
      TRY(fs.set("size", "0"));
      TRY(fs.set_flag("ro"));
      empty_directory_ = TRY(fs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                      MOUNT_ATTR_NOEXEC));
      return sys::attach(empty_directory_.get(), target->get(), step.path);
    }
    cover = TRY(sys::clone_tree(empty_directory_.get(), "", false));
  } else {
    cover = TRY(sys::clone_tree(null_.get(), "", false));
    TRY(sys::set_attributes(cover.get(), {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE}, false,
                            step.path));
  }
  return sys::attach(cover.get(), target->get(), step.path);
}

Result<> Tree::operator()(const plan::ReadonlyPath& step) {
  auto target = find_target(root_.get(), step.path);
  if (!target && (target.error().code == ENOENT || target.error().code == ENOTDIR)) return {};
  if (!target) return std::unexpected(std::move(target).error().wrap("readonly path"));
  UniqueFd copy = TRY(sys::clone_tree(target->get(), "", true));
  TRY(sys::set_attributes(copy.get(), {.set = MOUNT_ATTR_RDONLY}, true, step.path));
  return sys::attach(copy.get(), target->get(), step.path);
}

Result<> Tree::make_working_directory(const std::string& cwd) {
  if (find_target(root_.get(), cwd)) return {};
  UniqueFd made = TRY_IN("process.cwd", make_target(root_.get(), cwd, TargetKind::kDirectory));
  return {};
}

Result<> Tree::finish() {
  for (const auto& [mount, name] : readonly_later_)
    TRY(sys::set_attributes(mount, {.set = MOUNT_ATTR_RDONLY}, false, name));
  if (in_.plan.root.readonly)
    TRY(sys::set_attributes(root_.get(), {.set = MOUNT_ATTR_RDONLY}, false, "root"));
  if (::fchdir(root_.get()) < 0) return fail_errno("enter the root");
  // "." over ".": the old root lies on top of the new one and is then detached.
  if (syscall(SYS_pivot_root, ".", ".") < 0) return fail_errno("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) return fail_errno("detach the host's root");
  if (::chdir("/") < 0) return fail_errno("chdir /");
  return {};
}

}  // namespace bulkhead::sandbox
