// The container's mounts, built by file descriptor in a private mount namespace (M0) that the
// initial user namespace owns. The container's init, which shares M0 while it waits, copies it into
// a mount namespace of its own user namespace at the end; the kernel locks every mount of such a
// copy (R5): remount EPERM; unmount, move, non-recursive bind of a parent EINVAL.
//
// The caller's fsuid and fsgid must be the container root's host ids (RootIdentity), so that what is
// created belongs to it.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "plan/plan.h"
#include "sandbox/namespaces.h"
#include "sandbox/overlay.h"

namespace bulkhead::sandbox {

// Makes the process act on files as the container's root while it keeps its capabilities
// (SECBIT_NO_SETUID_FIXUP: setfsuid would drop the file capabilities otherwise).
class RootIdentity {
 public:
  static Result<RootIdentity> assume(const HostIds& ids);
  RootIdentity(RootIdentity&& other) noexcept : active_(std::exchange(other.active_, false)) {}
  RootIdentity& operator=(RootIdentity&&) = delete;
  ~RootIdentity();

 private:
  RootIdentity() = default;
  bool active_ = true;
};

struct TreeInputs {
  const plan::Plan& plan;
  const std::vector<UniqueFd>& sources;  // O_PATH, opened in this mount namespace; per spec mount
  const Namespaces& namespaces;
  const HostIds& ids;
  const std::vector<cgroup::View>& cgroups;
};

class Tree {
 public:
  // Composes the root, its data directories included, and attaches it over the bundle's root directory.
  static Result<Tree> make_root(const TreeInputs& inputs);

  // Executes the plan's steps in order. Opens the terminal when there is a MakeConsole.
  Result<> build();

  // Makes the working directory when the image lacks it.
  Result<> make_working_directory(const std::string& cwd);

  // Late attributes (read-only root and tmpfs), then pivot_root: only the container's tree is left.
  Result<> finish();

  BorrowedFd root() const { return root_.get(); }
  // The root as make_root() left it, writable and without what is mounted later, as a detached tree.
  UniqueFd take_bare_root() { return std::move(bare_root_); }
  // The pty pair of process.terminal; empty otherwise.
  UniqueFd take_console_master() { return std::move(console_master_); }
  UniqueFd take_console_slave() { return std::move(console_slave_); }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit Tree(const TreeInputs& inputs) : in_(inputs) {}

  Result<> operator()(const plan::MountFileSystem& step);
  Result<> operator()(const plan::MountCgroup& step);
  Result<> operator()(const plan::MountBind& step);
  Result<> operator()(const plan::MakeNode& step);
  Result<> operator()(const plan::MakeSymlink& step);
  Result<> operator()(const plan::MakeConsole& step);
  Result<> operator()(const plan::MaskPath& step);
  Result<> operator()(const plan::ReadonlyPath& step);
  template <typename Step>
  friend Result<> execute(Tree& tree, const Step& step) {
    return tree(step);
  }

  Result<UniqueFd> new_file_system(const plan::MountFileSystem& step);
  Result<UniqueFd> new_proc(const plan::MountFileSystem& step);
  Result<UniqueFd> new_devpts(const plan::MountFileSystem& step);
  Result<UniqueFd> new_tmpfs(const plan::MountFileSystem& step);
  Result<UniqueFd> clone_source(const plan::MountBind& step);
  Result<> bind_host_node(const plan::MakeNode& step);
  Result<> mount_data(const sys::MountInfo& overlay, const std::string& path);
  std::string work_name();

  TreeInputs in_;
  UniqueFd root_, bare_root_, console_master_, console_slave_, devpts_;
  UniqueFd null_, empty_directory_;  // what masks are copies of
  BorrowedFd dev_ = -1;              // the tmpfs on /dev, when it is one
  std::vector<UniqueFd> mounts_;     // attached, kept for late attributes
  std::vector<std::pair<BorrowedFd, std::string>> readonly_later_;
  std::vector<std::string> warnings_;
  int overlays_ = 0;  // composed so far
};

}  // namespace bulkhead::sandbox
