#include "sandbox/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(hook.path.c_str(), argv, envp);
  std::string message = cat("exec ", hook.path, ": ", strerror(errno));
  [[maybe_unused]] auto n = ::write(2, message.data(), message.size());
  ::_exit(127);
}

// Feeds the state and collects stderr until the hook closes it or the time is over.
bool converse(int in, int err, std::string_view state, std::int64_t deadline_ms, std::string& text) {
  UniqueFd feed(in);
  while (true) {
    pollfd polls[] = {{err, POLLIN, 0}, {feed.get(), POLLOUT, 0}};
    std::int64_t left = deadline_ms < 0 ? -1 : std::max<std::int64_t>(0, deadline_ms - now_ms());
    int ready = ::poll(polls, feed ? 2 : 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (feed && polls[1].revents) {
      ssize_t sent = ::write(feed.get(), state.data(), state.size());
      if (sent > 0) state.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 || state.empty()) feed.reset();  // a hook need not read it
    }
    if (polls[0].revents) {
      char buffer[1024];
      ssize_t got = ::read(err, buffer, sizeof buffer);
      if (got <= 0) return true;
      if (text.size() < kErrorBytes) text.append(buffer, static_cast<std::size_t>(got));
    }
  }
}

}  // namespace

Result<> run_hook(const spec::Hook& hook, std::string_view state) {
  Pipe in = TRY(Pipe::make()), err = TRY(Pipe::make());
  std::vector<std::string> args = hook.args.empty() ? std::vector{hook.path} : hook.args;
  auto argv = pointers(args), envp = pointers(hook.env);
  std::int64_t deadline = hook.timeout_s ? now_ms() + *hook.timeout_s * 1000LL : -1;
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  pid_t child = TRY(sys::clone_process(0));
  if (child == 0) {
    sigaction(SIGPIPE, &before, nullptr);
    exec_hook(hook, argv.data(), envp.data(), in.read.get(), err.write.get());
  }
  in.read.reset();
  err.write.reset();
  std::string text;
  // A hook may close stderr or leave it to a daemon: its end is what counts, so stderr is read by
  // the side and the process is awaited by pidfd.
  auto pidfd = sys::open_pidfd(child);
  bool finished = converse(in.write.release(), err.read.get(), state, deadline, text);
  if (finished && pidfd) {
    pollfd end{pidfd->get(), POLLIN, 0};
    std::int64_t left = deadline < 0 ? -1 : std::max<std::int64_t>(0, deadline - now_ms());
    int ready;
    do ready = ::poll(&end, 1, static_cast<int>(left));
    while (ready < 0 && errno == EINTR);
    finished = ready > 0;
  }
  if (!finished) ::kill(child, SIGKILL);
  int status = TRY(sys::wait_for(child));
  sigaction(SIGPIPE, &before, nullptr);
  if (!finished) return fail(cat("hook ", hook.path, ": no end within its timeout of ", hook.timeout_s.value_or(0), " s"));
  if (status != 0)
    return fail(cat("hook ", hook.path, ": ", WIFSIGNALED(status) ? "killed by signal " : "exit status ",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                    text.empty() ? "" : ": ", trim(text)));
  return {};
}

}  // namespace bulkhead::sandbox
