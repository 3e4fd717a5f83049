#include "fetch/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"

namespace bulkhead::fetch {
namespace {

constexpr std::size_t kUnsentBytes = 16u << 20;  // a guard that takes no answers is gone

std::int64_t now_seconds() { return ::time(nullptr); }

}  // namespace

Result<> Server::run() {
  while (true) {
    std::vector<pollfd> events{
        {guard_.get(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0}};
    for (const auto& waiting : waiting_)
      if (waiting.worker) events.push_back({waiting.worker->pipe(), POLLIN, 0});
    if (::poll(events.data(), events.size(), patience_ms()) < 0 && errno != EINTR)
      return fail_errno("poll");
    if (events.front().revents & (POLLIN | POLLHUP | POLLERR))
      if (!TRY(receive())) return {};
    collect_workers();
    start_workers();
    TRY(send());
  }
}

// Until the first worker is overdue; -1: nobody is at work.
int Server::patience_ms() const {
  std::int64_t first = -1;
  for (const auto& waiting : waiting_)
    if (waiting.worker && (first < 0 || waiting.worker->deadline_ms() < first))
      first = waiting.worker->deadline_ms();
  if (first < 0) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(first - monotonic_ms(), 0, 600'000));
}

Result<bool> Server::receive() {
  char buffer[16384];
  ssize_t got = ::recv(guard_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got < 0 && errno != ECONNRESET) return fail_errno("the guard's socket");
  if (got <= 0) return false;
  frames_.feed({buffer, static_cast<std::size_t>(got)});
  while (auto text = TRY_IN("the guard", frames_.take())) {
    auto request = TRY_IN("the guard's request", registry::decode_request(*text));
    TRY(handle(request));
  }
  return true;
}

Result<> Server::handle(const registry::Request& request) {
  if (auto known = desk_.at_hand(request, now_seconds())) {
    answer(request.id, *known);
    return {};
  }
  if (requests_ >= limits::kRegistryRequests) {
    answer(request.id, {fail(cat(requests_, " requests are waiting for registries; try again"))});
    return {};
  }
  ++requests_;
  auto same = std::ranges::find(waiting_, request.reference, &Waiting::reference);
  if (same == waiting_.end())
    waiting_.push_back({request.reference, {request.id}, std::nullopt});
  else
    same->requests.push_back(request.id);
  return {};
}

void Server::start_workers() {
  auto at_work = [](const Waiting& waiting) { return waiting.worker.has_value(); };
  auto free =
      limits::kRegistryWorkers - static_cast<std::size_t>(std::ranges::count_if(waiting_, at_work));
  for (auto waiting = waiting_.begin(); waiting != waiting_.end() && free > 0;) {
    if (waiting->worker) {
      ++waiting;
      continue;
    }
    auto started = Worker::start(waiting->reference, desk_.known(waiting->reference), resolve_,
                                 curl_, guard_.get());
    if (started) {
      waiting->worker.emplace(*std::move(started));
      --free;
      ++waiting;
      continue;
    }
    finish(*waiting, {std::unexpected(std::move(started).error())});
    waiting = waiting_.erase(waiting);
  }
}

void Server::collect_workers() {
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    bool is_done = waiting->worker && waiting->worker->read();
    bool is_late = !is_done && waiting->worker && monotonic_ms() >= waiting->worker->deadline_ms();
    if (!is_done && !is_late) {
      ++waiting;
      continue;
    }
    finish(*waiting, is_done ? waiting->worker->result()
                             : registry::Resolution{
                                   fail(cat(waiting->reference.domain, ": no answer in time"))});
    waiting = waiting_.erase(waiting);
  }
}

void Server::finish(Waiting& waiting, registry::Resolution fresh) {
  // A worker answers about its own reference and no other, whatever has become of it.
  if (fresh.served && fresh.served->reference != waiting.reference)
    fresh = {fail(cat(waiting.reference.text(), ": the answer is about something else"))};
  auto resolution = desk_.after_asking(waiting.reference, std::move(fresh), now_seconds());
  for (auto id : waiting.requests) answer(id, resolution);
  requests_ -= waiting.requests.size();
}

void Server::answer(std::uint64_t id, const registry::Resolution& resolution) {
  out_ += registry::encode(registry::Response{id, resolution.served, resolution.failure});
}

Result<> Server::send() {
  while (!out_.empty()) {
    ssize_t sent = ::send(guard_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return fail_errno("send to the guard");
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  if (out_.size() > kUnsentBytes) return fail("the guard takes no answers");
  return {};
}

}  // namespace bulkhead::fetch
