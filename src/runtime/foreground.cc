#include "runtime/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <optional>

#include "base/strings.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

// The caller's terminal in raw mode, restored at the end.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) < 0) return;
    termios raw = before_;
    cfmakeraw(&raw);
    active_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~RawTerminal() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

void copy_window_size(BorrowedFd master) {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(master, TIOCSWINSZ, &size);
}

bool write_all(BorrowedFd fd, const char* data, ssize_t size) {
  while (size > 0) {
    ssize_t written = ::write(fd, data, static_cast<std::size_t>(size));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= written;
  }
  return true;
}

// false: this direction is over.
bool relay(BorrowedFd from, BorrowedFd to) {
  char buffer[16384];
  ssize_t got = ::read(from, buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  return got > 0 && write_all(to, buffer, got);
}

// The exit code; nullopt: the process runs on.
Result<std::optional<int>> handle_signals(BorrowedFd signals, pid_t pid, BorrowedFd master) {
  signalfd_siginfo info{};
  if (::read(signals, &info, sizeof info) != sizeof info) return std::optional<int>();
  int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH && master >= 0) {
    copy_window_size(master);
  } else if (signal == SIGCHLD) {
    int status = 0;
    pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return sys::exit_code(status);
    if (ended < 0) return fail_errno(cat("wait for process ", pid));
  } else if (signal != SIGPIPE && signal != SIGURG) {
    ::kill(pid, signal);  // a child of ours that is not reaped yet: the pid is its own
  }
  return std::optional<int>();
}

}  // namespace

Result<int> attend(pid_t pid, UniqueFd master) {
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
  if (sigprocmask(SIG_BLOCK, &all, nullptr) < 0) return fail_errno("block signals");
  UniqueFd signals(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail_errno("signalfd");
  std::optional<RawTerminal> raw;
  if (master) {
    copy_window_size(master.get());
    raw.emplace();
  }
  int status = 0;
  std::optional<int> code;
  if (::waitpid(pid, &status, WNOHANG) == pid) code = sys::exit_code(status);
  bool input = static_cast<bool>(master);
  while (!code) {
    pollfd polls[] = {{signals.get(), POLLIN, 0},
                      {master.get(), POLLIN, 0},
                      {input ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(polls, 3, -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (polls[1].revents && !relay(master.get(), STDOUT_FILENO)) master.reset();
    if (polls[2].revents) input = master && relay(STDIN_FILENO, master.get());
    if (polls[0].revents) code = TRY(handle_signals(signals.get(), pid, master.get()));
  }
  if (master) {
    ::fcntl(master.get(), F_SETFL, O_NONBLOCK);
    pollfd rest{master.get(), POLLIN, 0};
    while (::poll(&rest, 1, 0) > 0 && rest.revents & POLLIN && relay(master.get(), STDOUT_FILENO)) {
    }
  }
  return *code;
}

}  // namespace bulkhead::runtime
