#include "cgroup/enter.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <span>

#include "base/strings.h"
#include "cgroup/cgroup.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

constexpr const char* kExecLeaf = "bulkhead-exec";

// Domain controllers only forbid processes while they are enabled for the children.
Result<bool> refuses_processes(BorrowedFd dir) {
  return !trim(TRY(read_file(dir, "cgroup.subtree_control"))).empty();
}

// The path below the container's cgroup of the one `init` is in, as /proc tells from our cgroup
// namespace; empty when it is the container's own, not below it, or unknown.
std::string relative_cgroup_of(pid_t init, const std::string& path) {
  auto text = read_file(AT_FDCWD, cat("/proc/", init, "/cgroup").c_str());
  if (!text) return {};
  for (std::string_view line : split(*text, '\n')) {
    if (!line.starts_with("0::")) continue;
    line.remove_prefix(3);
    auto at = line.find(path + "/");
    if (at == std::string_view::npos) return {};
    return std::string(line.substr(at + path.size() + 1));
  }
  return {};
}

UniqueFd open_beneath(BorrowedFd dir, const std::string& path) {
  open_how how{.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
               .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how)));
}

}  // namespace

Result<UniqueFd> enterable(BorrowedFd root, const std::string& prefix, const std::string& path,
                           pid_t init) {
  std::string whole = prefix + path;
  UniqueFd own = open_directory(root, whole.c_str());
  if (!own) return fail_errno(cat("open cgroup ", whole));
  if (init == 0 || !TRY_IN(whole, refuses_processes(own.get()))) return own;
  if (std::string below = relative_cgroup_of(init, path); !below.empty())
    if (UniqueFd target = open_beneath(own.get(), below);
        target && !refuses_processes(target.get()).value_or(true))
      return target;
  if (mkdirat(own.get(), kExecLeaf, 0755) != 0 && errno != EEXIST)
    return fail_errno(cat("make cgroup ", whole, "/", kExecLeaf));
  UniqueFd leaf = open_beneath(own.get(), kExecLeaf);
  if (!leaf) return fail_errno(cat("open cgroup ", whole, "/", kExecLeaf));
  return leaf;
}

Result<> move_process(BorrowedFd dir, pid_t pid) {
  int code = write_file(dir, "cgroup.procs", cat(pid));
  if (code == EOPNOTSUPP)
    return fail("the cgroup is threaded or below a threaded one: no process can enter it");
  if (code != 0) return fail_errno(cat("write process ", pid, " to cgroup.procs"), code);
  return {};
}

Result<> give_away(BorrowedFd dir, bool unified, uid_t uid, gid_t gid) {
  static constexpr std::array kV1 = {"cgroup.procs", "tasks"};
  static constexpr std::array kV2 = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
  auto names = unified ? std::span<const char* const>(kV2) : std::span<const char* const>(kV1);
  for (const char* name : names)
    if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno(cat("chown ", name));
  if (fchownat(dir, "", uid, gid, AT_EMPTY_PATH) != 0) return fail_errno("chown the directory");
  return {};
}

bool is_given_away(BorrowedFd dir) {
  struct stat stat{};
  return fstat(dir, &stat) == 0 && stat.st_uid != 0;
}

int enter_self(std::span<const UniqueFd> tasks) noexcept {
  for (const UniqueFd& file : tasks) {
    ssize_t written;
    do written = write(file.get(), "0", 1);
    while (written < 0 && errno == EINTR);
    if (written < 0) return errno;
  }
  return 0;
}

}  // namespace bulkhead::cgroup
