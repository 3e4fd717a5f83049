#include "runtime/host_view.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "sandbox/host_view_mount.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

constexpr int kEndTimeoutMs = 2000;
constexpr int kFuseFd = 3, kRootFd = 4;  // in the keeper

// Beside this program, never from the environment or a PATH.
Result<std::string> keeper_program() {
  char path[PATH_MAX];
  ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0 || size == sizeof path) return fail_errno("readlink /proc/self/exe");
  std::string_view self(path, static_cast<std::size_t>(size));
  return cat(self.substr(0, self.rfind('/') + 1), "bulkhead-keeper");
}

// Out of the way of the numbers that the keeper expects.
Result<UniqueFd> moved_up(UniqueFd fd) {
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kRootFd + 1));
  if (!moved) return fail_errno("duplicate a file descriptor");
  return moved;
}

class SpawnSettings {
 public:
  SpawnSettings(BorrowedFd fuse, BorrowedFd root) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions_, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, STDIN_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, fuse, kFuseFd);
    posix_spawn_file_actions_adddup2(&actions_, root, kRootFd);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kRootFd + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                              POSIX_SPAWN_SETSIGMASK));
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  Result<pid_t> spawn(const std::string& program, std::vector<std::string> words) const {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    char* environment[] = {nullptr};
    pid_t pid = -1;
    int code = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv.data(), environment);
    if (code != 0) return fail_errno(program, code);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

Result<> start_keeper(UniqueFd fuse, UniqueFd root, State& state) {
  fuse = TRY(moved_up(std::move(fuse)));
  root = TRY(moved_up(std::move(root)));
  const auto& ids = state.ids;
  pid_t pid = TRY(SpawnSettings(fuse.get(), root.get()).spawn(TRY(keeper_program()), {
      "bulkhead-keeper", "host-view", "--fuse-fd", std::to_string(kFuseFd), "--root-fd",
      std::to_string(kRootFd), "--uid", std::to_string(ids.uid), "--gid", std::to_string(ids.gid),
      "--size", std::to_string(ids.size), "--id", state.id}));
  state.keeper_pid = pid;
  auto stat = TRY(sys::process_stat(pid));  // a child of ours: still there, if only as a zombie
  state.keeper_start_ticks = stat ? stat->start_ticks : 0;
  return {};
}

void end_keeper(const State& state) {
  if (state.keeper_pid <= 0) return;
  auto pidfd = sys::open_pidfd(state.keeper_pid);
  if (!pidfd) return;
  auto stat = sys::process_stat(state.keeper_pid);
  if (!stat || !*stat || (*stat)->start_ticks != state.keeper_start_ticks) return;  // another's pid
  // It ends with its mount; a copy of the mount that another namespace holds would keep it.
  [[maybe_unused]] auto sent = sys::signal_pidfd(pidfd->get(), SIGKILL);
  // Waited for, because the container's overlay lives as long as it does.
  pollfd end{pidfd->get(), POLLIN, 0};
  while (::poll(&end, 1, kEndTimeoutMs) < 0 && errno == EINTR) {
  }
  ::waitpid(state.keeper_pid, nullptr, WNOHANG);  // `run` is its parent
}

}  // namespace

Result<> HostView::try_show(UniqueFd root, const Store& store, State& state) {
  std::string shown = TRY(sandbox::host_view_at(state.rootfs));
  if (!shown.empty() && shown != state.id && store.find(shown))
    return fail(cat("container ", shown, " has the same root directory and its view is there"));
  if (!shown.empty()) TRY(sandbox::unmount_host_view(state.rootfs));  // left behind
  UniqueFd fuse = TRY(sandbox::mount_host_view(state.rootfs, state.id));
  auto started = start_keeper(std::move(fuse), std::move(root), state);
  if (!started) TRY(sandbox::unmount_host_view(state.rootfs));
  return started;
}

HostView HostView::show(UniqueFd root, const Store& store, State& state) {
  if (!root) return HostView(nullptr);
  auto shown = try_show(std::move(root), store, state);
  if (shown) return HostView(&state);
  log::warn(cat("the engine does not see what the running container changes (docker cp, export): ",
                shown.error().message));
  return HostView(nullptr);
}

HostView::~HostView() {
  if (!state_) return;
  if (auto removed = remove_host_view(*state_); !removed) log::warn(removed.error().message);
}

Result<> remove_host_view(const State& state) {
  auto shown = sandbox::host_view_at(state.rootfs);
  bool no_root = !shown && (shown.error().code == ENOENT || shown.error().code == ENOTDIR);
  if (!shown && !no_root) return std::unexpected(std::move(shown).error());
  if (shown && *shown == state.id) TRY(sandbox::unmount_host_view(state.rootfs));
  end_keeper(state);
  return {};
}

Result<> look_beneath_host_view(const std::string& rootfs) {
  while (!TRY(sandbox::host_view_at(rootfs)).empty()) TRY(sandbox::unmount_host_view(rootfs));
  return {};
}

}  // namespace bulkhead::runtime
