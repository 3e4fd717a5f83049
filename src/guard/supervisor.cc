// One packet a message: a word, a blank and a path; a listening socket may be attached.
//   to the worker:    "socket PATH" + fd, ... "go"
//   from the worker:  "ready", "keep PATH" + fd, "drop PATH"
#include "guard/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>

#include "base/log.h"
#include "base/strings.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace bulkhead::guard {
namespace {

constexpr std::size_t kMessageBytes = 4096;
constexpr int kLastWords_ms = 1000;
constexpr int kRestartPause_ms = 20;
constexpr int kFailedPause_ms = 2000;  // one that could not start says why each time

struct Message {
  std::string word, path;  // both empty: the other end is closed
  UniqueFd fd;
};

Result<> send(BorrowedFd socket, std::string_view text, BorrowedFd fd = -1) {
  if (fd >= 0) return sys::send_fd(socket, fd, text);
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0)
    return fail_errno("the guard's other process");
  return {};
}

Result<Message> receive(BorrowedFd socket) {
  char text[kMessageBytes];
  iovec data{text, sizeof text};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0) return fail_errno("the guard's other process");
  Message message;
  if (cmsghdr* attached = CMSG_FIRSTHDR(&header)) {
    int fd = -1;
    memcpy(&fd, CMSG_DATA(attached), sizeof fd);
    message.fd = UniqueFd(fd);
  }
  std::string_view all(text, static_cast<std::size_t>(size));
  auto blank = all.find(' ');
  message.word = all.substr(0, blank);
  if (blank != all.npos) message.path = all.substr(blank + 1);
  return message;
}

struct Worker {
  pid_t pid = -1;
  UniqueFd socket;
  bool is_ready = false;
};

class Supervision {
 public:
  Supervision(Sockets sockets, const std::vector<std::string>& words)
      : sockets_(std::move(sockets)), words_(words) {}

  Result<> run() {
    sigset_t set;
    ::sigemptyset(&set);
    for (int number : {SIGHUP, SIGUSR2, SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC));
    if (!signals_) return fail_errno("signalfd");
    TRY(start());
    while (!ended_) TRY(turn());
    return {};
  }

 private:
  Result<> start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail_errno("socketpair");
    UniqueFd ours(ends[0]), theirs(ends[1]);
    pid_t pid = TRY(sys::clone_process(0));
    if (pid == 0) run_worker(theirs.get());
    workers_.push_back({pid, std::move(ours), false});
    for (const auto& [path, socket] : sockets_)
      TRY(send(workers_.back().socket.get(), cat("socket ", path), socket.get()));
    return send(workers_.back().socket.get(), "go");
  }

  [[noreturn]] void run_worker(BorrowedFd socket) {
    sys::reset_signals();
    auto option = cat("--", kWorkerOption, "=3");
    std::vector<char*> argv{words_[0].data(), option.data()};
    for (std::size_t i = 1; i < words_.size(); ++i) argv.push_back(words_[i].data());
    argv.push_back(nullptr);
    if (socket == 3)
      ::fcntl(3, F_SETFD, 0);
    else if (::dup3(socket, 3, 0) < 0)
      ::_exit(1);
    ::execv(argv[0], argv.data());
    log::error(cat("bulkhead-guard: exec ", words_[0], ": ", strerror(errno)));
    ::_exit(1);
  }

  // Waits for a signal or a worker's word, and does what it says.
  Result<> turn() {
    std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}};
    for (const auto& worker : workers_) polled.push_back({worker.socket.get(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    std::size_t index = 1;
    std::vector<pid_t> gone;
    for (auto& worker : workers_)
      if (polled[index++].revents && !hear(worker)) gone.push_back(worker.pid);
    if (polled[0].revents) on_signal();
    for (pid_t pid : gone) TRY(bury(pid));
    return {};
  }

  // One message; false: the worker has ended.
  bool hear(Worker& worker) {
    auto message = receive(worker.socket.get());
    if (!message || message->word.empty()) return false;
    if (message->word == "ready") become_ready(worker);
    if (message->word == "keep" && message->fd) sockets_[message->path] = std::move(message->fd);
    if (message->word == "drop") sockets_.erase(message->path);
    return true;
  }

  void become_ready(Worker& worker) {
    worker.is_ready = was_ever_ready_ = true;
    for (const auto& other : workers_)
      if (other.pid != worker.pid) ::kill(other.pid, SIGUSR1);  // serves its last connections, and ends
  }

  void on_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
    auto number = static_cast<int>(info.ssi_signo);
    if (number == SIGHUP)
      for (const auto& worker : workers_) ::kill(worker.pid, SIGHUP);
    if (number == SIGUSR2)
      if (auto started = start(); !started) log::error(cat("bulkhead-guard: ", started.error().message));
    if (number != SIGTERM && number != SIGINT) return;
    ended_ = true;
    for (const auto& worker : workers_) ::kill(worker.pid, SIGTERM);
    for (const auto& worker : workers_) (void)sys::wait_for(worker.pid);
  }

  Result<> bury(pid_t pid) {
    auto worker = std::ranges::find(workers_, pid, &Worker::pid);
    int pause_ms = worker->is_ready ? kRestartPause_ms : kFailedPause_ms;
    // Its socket is closed: it has a moment to say why, and is of no use any more.
    if (auto pidfd = sys::open_pidfd(pid)) {
      pollfd end{pidfd->get(), POLLIN, 0};
      ::poll(&end, 1, kLastWords_ms);
    }
    ::kill(pid, SIGKILL);
    (void)sys::wait_for(pid);
    workers_.erase(worker);
    if (ended_ || std::ranges::any_of(workers_, &Worker::is_ready)) return {};
    if (!was_ever_ready_) return fail("the worker did not start");
    log::warn(cat("bulkhead-guard: the worker ", pid, " ended; another one takes its place"));
    ::poll(nullptr, 0, pause_ms);
    return start();
  }

  Sockets sockets_;
  std::vector<std::string> words_;
  std::list<Worker> workers_;
  UniqueFd signals_;
  bool ended_ = false, was_ever_ready_ = false;
};

}  // namespace

Result<> supervise(Sockets sockets, const std::vector<std::string>& words) {
  return Supervision(std::move(sockets), words).run();
}

Result<Supervisor> Supervisor::take(BorrowedFd fd, Sockets& sockets) {
  Supervisor supervisor;
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  supervisor.socket_ = UniqueFd(fd);
  for (;;) {
    auto message = TRY(receive(fd));
    if (message.word == "go") return supervisor;
    if (message.word != "socket" || !message.fd)
      return fail("the supervisor said something else than a socket");
    sockets[message.path] = std::move(message.fd);
  }
}

Result<> Supervisor::ready() { return send(socket_.get(), "ready"); }
Result<> Supervisor::keep(std::string_view path, BorrowedFd socket) {
  return send(socket_.get(), cat("keep ", path), socket);
}
Result<> Supervisor::drop(std::string_view path) { return send(socket_.get(), cat("drop ", path)); }

}  // namespace bulkhead::guard
