#include "sandbox/hooks.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <iterator>
#include <vector>

#include "base/strings.h"
#include "base/unique_fd.h"
#include "sys/process.h"

namespace bulkhead::sandbox {
namespace {

constexpr std::size_t kErrorBytes = 4096;

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Pipe {
  UniqueFd read, write;
  static Result<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

[[noreturn]] void exec_hook(const spec::Hook& hook, char** argv, char** envp, int in, int err) {
  if (::dup2(in, 0) < 0 || ::dup2(err, 2) < 0) ::_exit(127);
  int null = ::open("/dev/null", O_WRONLY);
  if (null >= 0) ::dup2(null, 1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sys::reset_signals();
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);  // also what the caller meant for the container
  ::execve(hook.path.c_str(), argv, envp);
  std::string message = cat("exec ", hook.path, ": ", strerror(errno));
  [[maybe_unused]] auto n = ::write(2, message.data(), message.size());
  ::_exit(127);
}

void send_some(UniqueFd& feed, std::string_view& state) {
  ssize_t sent = ::write(feed.get(), state.data(), state.size());
  if (sent > 0) state.remove_prefix(static_cast<std::size_t>(sent));
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0 || state.empty()) feed.reset();  // a hook need not read it
}

// false: nothing more comes, now or ever.
bool collect(BorrowedFd err, std::string& text) {
  char buffer[1024];
  ssize_t got = ::read(err, buffer, sizeof buffer);
  if (got > 0 && text.size() < kErrorBytes) text.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

// Feeds the state and collects stderr until the hook ends (true) or the time is over. Its end is what
// counts: it may leave the state unread, close stderr or leave it to a daemon. Both pipes' ends here
// do not block.
bool converse(BorrowedFd pidfd, UniqueFd feed, BorrowedFd err, std::string_view state,
              std::int64_t deadline_ms, std::string& text) {
  while (true) {
    pollfd polls[] = {{pidfd, POLLIN, 0}, {err, POLLIN, 0}, {feed.get(), POLLOUT, 0}};
    std::int64_t left = deadline_ms < 0 ? -1 : std::max<std::int64_t>(0, deadline_ms - now_ms());
    int ready = ::poll(polls, std::size(polls), static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || (ready == 0 && left < INT_MAX)) return false;
    if (polls[2].revents) send_some(feed, state);
    if (polls[1].revents && !collect(err, text)) err = -1;
    if (!polls[0].revents) continue;
    while (err >= 0 && text.size() < kErrorBytes && collect(err, text)) {
    }
    return true;
  }
}

// Runs the hook's process to its end; its raw status. `text`: the beginning of its stderr.
Result<int> run_process(const spec::Hook& hook, std::string_view state, std::string& text) {
  Pipe in = TRY(Pipe::make()), err = TRY(Pipe::make());
  // Our ends only: the two ends of a pipe have flags of their own.
  if (::fcntl(in.write.get(), F_SETFL, O_NONBLOCK) < 0 || ::fcntl(err.read.get(), F_SETFL, O_NONBLOCK) < 0)
    return fail_errno("pipe");
  std::vector<std::string> args = hook.args.empty() ? std::vector{hook.path} : hook.args;
  auto argv = pointers(args), envp = pointers(hook.env);
  std::int64_t deadline = hook.timeout_s ? now_ms() + *hook.timeout_s * 1000LL : -1;
  pid_t child = TRY(sys::clone_process(0));
  if (child == 0) exec_hook(hook, argv.data(), envp.data(), in.read.get(), err.write.get());
  in.read.reset();
  err.write.reset();
  auto pidfd = sys::open_pidfd(child);
  bool finished = pidfd && converse(pidfd->get(), std::move(in.write), err.read.get(), state, deadline, text);
  if (!finished) ::kill(child, SIGKILL);
  int status = TRY(sys::wait_for(child));
  if (!pidfd) return std::unexpected(std::move(pidfd).error());
  if (!finished) return fail(cat("no end within its timeout of ", hook.timeout_s.value_or(0), " s"));
  return status;
}

}  // namespace

Result<> run_hook(const spec::Hook& hook, std::string_view state) {
  std::string name = cat("hook ", hook.path), text;
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  auto ended = run_process(hook, state, text);
  sigaction(SIGPIPE, &before, nullptr);
  int status = TRY_IN(name, std::move(ended));
  if (status == 0) return {};
  bool killed = WIFSIGNALED(status);
  return fail(cat(name, ": ", killed ? "killed by signal " : "exit status ",
                  killed ? WTERMSIG(status) : WEXITSTATUS(status), text.empty() ? "" : ": ", trim(text)));
}

}  // namespace bulkhead::sandbox
