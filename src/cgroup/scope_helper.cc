#include "cgroup/scope_helper.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <climits>

#include "base/strings.h"

namespace bulkhead::cgroup {
namespace {

constexpr const char* kName = "bulkhead-scope";
constexpr const char* kInstalled = "/usr/libexec/bulkhead/bulkhead-scope";

std::string find_helper() {
  char self[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", self, sizeof self);
  std::string path(self, size > 0 ? static_cast<std::size_t>(size) : 0);
  path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  path += kName;
  return access(path.c_str(), X_OK) == 0 ? path : kInstalled;
}

struct Pipe {
  UniqueFd read_end, write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

int spawn(pid_t& pid, const std::string& path, std::vector<std::string>& arguments,
          BorrowedFd input, BorrowedFd output) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  sigset_t none, standard;
  sigemptyset(&none);
  sigfillset(&standard);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int code = posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

Result<> ScopeHelper::start(std::vector<std::string> arguments) {
  finish();
  std::string path = find_helper();
  arguments.insert(arguments.begin(), kName);
  Pipe input = TRY(make_pipe()), output = TRY(make_pipe());
  int code = spawn(pid_, path, arguments, input.read_end.get(), output.write_end.get());
  if (code != 0) {
    pid_ = -1;
    return fail_errno(cat("run ", path, " (the systemd cgroup driver needs it)"), code);
  }
  input_ = std::move(input.write_end);
  output_ = std::move(output.read_end);
  return {};
}

Result<std::string> ScopeHelper::answer(int timeout_ms) {
  std::string line;
  for (std::int64_t end = now_ms() + timeout_ms; !line.ends_with('\n');) {
    pollfd poll{.fd = output_.get(), .events = POLLIN};
    int left = static_cast<int>(end - now_ms());
    int ready = left > 0 ? ::poll(&poll, 1, left) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno("wait for bulkhead-scope");
    if (ready == 0) return fail(cat("systemd gave no answer within ", timeout_ms, " ms"));
    char buffer[1024];
    ssize_t got = read(output_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || line.size() > 65536) return fail("bulkhead-scope ended without an answer");
    line.append(buffer, static_cast<std::size_t>(got));
  }
  std::string_view text = trim(line);
  if (text == "ok" || text.starts_with("ok ")) return std::string(trim(text.substr(2)));
  if (text.starts_with("error ")) text.remove_prefix(6);
  return fail(cat("systemd: ", text));
}

// By a byte, not by closing the pipe: a child that has not exec'ed yet holds a copy of our end.
void ScopeHelper::finish() {
  if (pid_ <= 0) return;
  // It may have died with the container's cgroup: no SIGPIPE for that.
  sigset_t pipe_only, before;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigprocmask(SIG_BLOCK, &pipe_only, &before);
  [[maybe_unused]] auto written = write(input_.get(), "q", 1);
  timespec none{};
  if (written < 0 && errno == EPIPE) sigtimedwait(&pipe_only, nullptr, &none);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  input_.reset();
  output_.reset();
  // A helper that hangs on the bus reads no byte; it holds nothing that a SIGKILL would lose.
  for (int waited_ms = 0; waitpid(pid_, nullptr, WNOHANG) == 0; ++waited_ms) {
    if (waited_ms == 500) kill(pid_, SIGKILL);
    timespec pause{.tv_sec = 0, .tv_nsec = 1000000};
    nanosleep(&pause, nullptr);
  }
  pid_ = -1;
}

}  // namespace bulkhead::cgroup
