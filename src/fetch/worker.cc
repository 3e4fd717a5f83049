#include "fetch/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "base/limits.h"
#include "base/strings.h"
#include "registry/protocol.h"

namespace bulkhead::fetch {
namespace {

constexpr std::int64_t kGraceMs = 2000;  // for a worker to say itself that time is up
constexpr rlim_t kCpuSeconds = 30;

[[noreturn]] void work(BorrowedFd out, const images::Reference& reference,
                       const registry::Served* known, const registry::ResolveSettings& settings,
                       const CurlSettings& curl) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit cpu{kCpuSeconds, kCpuSeconds};
  ::setrlimit(RLIMIT_CPU, &cpu);
  CurlClient client(curl);
  registry::Send send = [&client](const registry::HttpRequest& request) {
    return client.send(request);
  };
  registry::Resolution resolution =
      registry::resolve(reference, settings, send, known, ::time(nullptr));
  std::string frame =
      registry::encode(registry::Response{0, std::move(resolution.served), resolution.failure});
  std::string_view rest = frame;
  while (!rest.empty()) {
    ssize_t written = ::write(out, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ::_exit(0);
}

}  // namespace

std::int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Result<Worker> Worker::start(const images::Reference& reference,
                             const std::optional<registry::Served>& known,
                             const registry::ResolveSettings& settings, const CurlSettings& curl,
                             BorrowedFd keep_out) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe for a worker");
  UniqueFd reader(ends[0]), writer(ends[1]);
  if (::fcntl(reader.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe for a worker");
  Worker worker;
  worker.deadline_ms_ = monotonic_ms() + std::int64_t{curl.timeout_seconds} * 1000 + kGraceMs;
  worker.pid_ = ::fork();
  if (worker.pid_ < 0) return fail_errno("start a worker");
  if (worker.pid_ == 0) {
    ::dup3(writer.get(), keep_out, O_CLOEXEC);  // in the place of the guard's socket
    work(keep_out, reference, known ? &*known : nullptr, settings, curl);
  }
  worker.pipe_ = std::move(reader);
  return worker;
}

Worker::Worker(Worker&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipe_(std::move(other.pipe_)),
      deadline_ms_(other.deadline_ms_),
      received_(std::move(other.received_)) {}

Worker::~Worker() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Worker::read() {
  char buffer[16384];
  while (true) {
    ssize_t got = ::read(pipe_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno != EAGAIN;
    if (got == 0) return true;
    received_.append(buffer, static_cast<std::size_t>(got));
    if (received_.size() > limits::kRegistryFrameBytes + 4) return true;
  }
}

registry::Resolution Worker::result() const {
  registry::FrameReader frames(limits::kRegistryFrameBytes);
  frames.feed(received_);
  auto text = frames.take();
  if (!text) return {std::unexpected(std::move(text).error())};
  if (!*text) return {fail("the process that asked the registry ended before its answer")};
  auto response = registry::decode_response(**text);
  if (!response) return {std::unexpected(std::move(response).error().wrap("a worker's answer"))};
  return {std::move(response->served), response->failure};
}

}  // namespace bulkhead::fetch
