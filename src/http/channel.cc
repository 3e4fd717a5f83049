#include "http/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::http {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kPipesKept = 16;
constexpr std::size_t kSpliceFrom = 256u << 10;  // below, a pipe costs more than a copy

std::unexpected<Error> fail_code(std::string_view what, const boost::system::error_code& code) {
  return std::unexpected(Error{code.value(), cat(what, ": ", code.message())});
}

}  // namespace

// What moves between two channels without being looked at.
class Relay {
 public:
  // Up to `limit` bytes, less only at the end of the stream; returns how many.
  static Task<std::uint64_t> splice_bytes(Channel& from, Channel& to, std::uint64_t limit);
  static Task<> splice_out(Pipe& pipe, std::size_t size, Channel& to);
  static asio::awaitable<void> pump(Channel& from, Channel& to);
  static asio::awaitable<void> watch(Channel& gone, Channel& other);
  static Task<> body(Channel& from, Body body, Channel& to, Framing out);
};

// ---- loop ----------------------------------------------------------------------------------------

Result<Pipe> Loop::take_pipe() {
  if (!pipes_.empty()) {
    Pipe pipe = std::move(pipes_.back());
    pipes_.pop_back();
    return pipe;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void Loop::give_pipe(Pipe pipe) {
  if (pipes_.size() < kPipesKept) pipes_.push_back(std::move(pipe));
}

asio::awaitable<void> Loop::watch_deadlines() {
  for (;;) {
    sweep_.expires_after(std::chrono::seconds(1));
    auto [error] = co_await sweep_.async_wait(kAwait);
    if (error) co_return;
    auto now = Clock::now();
    for (auto* channel : channels_) {
      if (channel->deadline_ > now) continue;
      channel->timed_out_ = true;
      channel->socket_.cancel();
    }
  }
}

// ---- channel -------------------------------------------------------------------------------------

Channel::Channel(Loop& loop, Protocol::socket socket) : loop_(loop), socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  loop_.channels_.insert(this);
}

Channel::~Channel() { loop_.channels_.erase(this); }

Error Channel::timed_out_or(Error error) const {
  return timed_out_ ? Error{ETIMEDOUT, "timed out"} : std::move(error);
}

Result<std::size_t> Channel::receive() {
  ssize_t size = 0;
  int failure = 0;
  auto before = input_.size();
  input_.resize_and_overwrite(before + kReadBytes, [&](char* data, std::size_t) {
    do size = ::recv(fd(), data + before, kReadBytes, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    failure = size < 0 ? errno : 0;
    return before + static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  });
  if (input_.empty()) input_ = std::string();  // idle channels hold no memory
  if (failure) return fail_errno("read", failure);
  return static_cast<std::size_t>(size);
}

Task<std::size_t> Channel::fill() {
  for (;;) {
    if (timed_out_) co_return std::unexpected(timed_out_or({}));
    auto [error] = co_await socket_.async_wait(Protocol::socket::wait_read, kAwait);
    if (error) co_return std::unexpected(timed_out_or(fail_code("read", error).error()));
    auto size = receive();
    if (size || (size.error().code != EAGAIN && size.error().code != EWOULDBLOCK)) co_return size;
  }
}

Task<std::string> Channel::read_head(std::chrono::seconds started) {
  std::size_t searched = 0;
  for (;;) {
    if (!input_.empty() && deadline_ == Clock::time_point::max())
      set_deadline(Clock::now() + started);
    auto from = searched > 3 ? searched - 3 : 0;
    if (auto length = head_length(std::string_view(input_).substr(from))) {
      clear_deadline();
      std::string head = input_.substr(0, from + length);
      input_.erase(0, head.size());
      if (head.size() > limits::kHttpHeadBytes) co_return fail("the head is too large");
      co_return head;
    }
    if (input_.size() > limits::kHttpHeadBytes) co_return fail("the head is too large");
    searched = input_.size();
    auto size = co_await fill();
    if (!size) co_return std::unexpected(std::move(size).error());
    if (*size > 0) continue;
    if (!input_.empty()) co_return fail("the connection ended within a head");
    co_return std::string();
  }
}

Task<std::string> Channel::read_body(Body body, std::size_t limit, std::chrono::seconds within) {
  BodyReader reader(body);
  std::string payload;
  set_deadline(Clock::now() + within);
  if (body.framing == Framing::kLength && body.length > limit)
    co_return std::unexpected(Error{EMSGSIZE, "too large"});
  for (;;) {
    auto used = reader.take(input_, payload);
    if (!used) co_return std::unexpected(std::move(used).error());
    input_.erase(0, *used);
    if (payload.size() > limit) co_return std::unexpected(Error{EMSGSIZE, "too large"});
    if (reader.done()) break;
    auto size = co_await fill();
    if (!size) co_return std::unexpected(std::move(size).error());
    if (*size > 0) continue;
    if (auto ended = reader.finish(); !ended) co_return std::unexpected(std::move(ended).error());
    break;
  }
  clear_deadline();
  co_return payload;
}

Task<> Channel::write(std::string_view a, std::string_view b, std::string_view c) {
  std::array<iovec, 3> pieces{};
  std::size_t count = 0;
  for (auto part : {a, b, c})
    if (!part.empty()) pieces.at(count++) = {const_cast<char*>(part.data()), part.size()};
  auto* piece = pieces.data();
  while (count > 0) {
    msghdr message{};
    message.msg_iov = piece;
    message.msg_iovlen = count;
    auto sent = ::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) co_return fail_errno("write");
    if (sent < 0) {
      auto [error] = co_await socket_.async_wait(Protocol::socket::wait_write, kAwait);
      if (error) co_return std::unexpected(timed_out_or(fail_code("write", error).error()));
      continue;
    }
    auto left = static_cast<std::size_t>(sent);
    for (; count > 0 && left >= piece->iov_len; ++piece, --count) left -= piece->iov_len;
    if (count > 0) {
      piece->iov_base = static_cast<char*>(piece->iov_base) + left;
      piece->iov_len -= left;
    }
  }
  co_return Result<>();
}

asio::awaitable<void> Channel::wait_for_hangup() {
  co_await socket_.async_wait(Protocol::socket::wait_error, kAwait);
}

asio::awaitable<void> Channel::linger(std::chrono::seconds within) {
  end_sending();
  set_deadline(Clock::now() + within);
  for (std::size_t size = 1; size > 0;) {
    input_.clear();
    auto got = co_await fill();
    size = got ? *got : 0;
  }
}

void Channel::end_sending() { ::shutdown(fd(), SHUT_WR); }
void Channel::end_receiving() { ::shutdown(fd(), SHUT_RD); }

// ---- relaying ------------------------------------------------------------------------------------

Task<> Relay::splice_out(Pipe& pipe, std::size_t size, Channel& to) {
  while (size > 0) {
    auto sent = ::splice(pipe.read_end.get(), nullptr, to.fd(), nullptr, size,
                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent > 0) size -= static_cast<std::size_t>(sent);
    if (sent > 0 || (sent < 0 && errno == EINTR)) continue;
    if (sent < 0 && errno != EAGAIN) co_return fail_errno("write");
    auto [error] = co_await to.socket_.async_wait(Protocol::socket::wait_write, kAwait);
    if (error) co_return fail_code("write", error);
  }
  co_return Result<>();
}

Task<std::uint64_t> Relay::splice_bytes(Channel& from, Channel& to, std::uint64_t limit) {
  std::uint64_t moved = 0;
  while (moved < limit) {
    auto [error] = co_await from.socket_.async_wait(Protocol::socket::wait_read, kAwait);
    if (error) co_return fail_code("read", error);
    auto pipe = from.loop_.take_pipe();  // held only while there is something in it
    if (!pipe) co_return std::unexpected(std::move(pipe).error());
    auto want = std::min<std::uint64_t>(limit - moved, 1u << 20);
    auto size = ::splice(from.fd(), nullptr, pipe->write_end.get(), nullptr,
                         static_cast<std::size_t>(want), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (size < 0 && errno != EAGAIN && errno != EINTR) co_return fail_errno("read");
    if (size > 0) {
      auto sent = co_await splice_out(*pipe, static_cast<std::size_t>(size), to);
      if (!sent) co_return std::unexpected(std::move(sent).error());
      moved += static_cast<std::uint64_t>(size);
    }
    from.loop_.give_pipe(std::move(*pipe));
    if (size == 0) break;
  }
  co_return moved;
}

Task<> Relay::body(Channel& from, Body body, Channel& to, Framing out) {
  BodyReader reader(body);
  std::string payload;
  for (;;) {
    payload.clear();
    auto used = reader.take(from.input_, payload);
    if (!used) co_return std::unexpected(std::move(used).error());
    from.input_.erase(0, *used);
    if (from.input_.empty()) from.input_ = std::string();
    if (!payload.empty()) {
      bool chunked = out == Framing::kChunked;
      auto header = chunked ? chunk_header(payload.size()) : std::string();
      auto sent = co_await to.write(header, payload, chunked ? kChunkEnd : std::string_view());
      if (!sent) co_return sent;
    }
    if (reader.done()) break;
    if (out == Framing::kLength && reader.left() >= kSpliceFrom) {
      auto moved = co_await splice_bytes(from, to, reader.left());
      if (!moved) co_return std::unexpected(std::move(moved).error());
      reader.skip(*moved);
      if (reader.done()) break;
      co_return reader.finish();
    }
    auto size = co_await from.fill();
    if (!size) co_return std::unexpected(std::move(size).error());
    if (*size > 0) continue;
    if (auto ended = reader.finish(); !ended) co_return ended;
  }
  if (out != Framing::kChunked) co_return Result<>();
  co_return co_await to.write(kLastChunk);
}

asio::awaitable<void> Relay::pump(Channel& from, Channel& to) {
  Result<> sent = co_await to.write(from.input_);
  from.input_ = std::string();
  if (sent) co_await splice_bytes(from, to, UINT64_MAX);
  // In either case no more comes: a writer that fails has a peer that is gone.
  to.end_sending();
  from.end_receiving();
}

asio::awaitable<void> Relay::watch(Channel& gone, Channel& other) {
  co_await gone.wait_for_hangup();
  other.end_receiving();
}

Task<> relay_body(Channel& from, Body body, Channel& to, Framing out) {
  return Relay::body(from, body, to, out);
}

std::string framed(std::string_view payload, Framing out) {
  if (out != Framing::kChunked) return std::string(payload);
  if (payload.empty()) return std::string(kLastChunk);
  return cat(chunk_header(payload.size()), payload, kChunkEnd, kLastChunk);
}

asio::awaitable<void> tunnel(Channel& a, Channel& b) {
  using asio::experimental::awaitable_operators::operator&&;
  using asio::experimental::awaitable_operators::operator||;
  // The watches only help the pumps to their end; they are cancelled when both have ended.
  co_await ((Relay::pump(a, b) && Relay::pump(b, a)) ||
            (Relay::watch(a, b) && Relay::watch(b, a)));
}

asio::awaitable<Result<Protocol::socket>> connect(Loop& loop, std::string_view path) {
  Protocol::socket socket(loop.io);
  if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return fail(cat(path, ": path too long"));
  auto [error] = co_await socket.async_connect(Protocol::endpoint(path), kAwait);
  if (error) co_return fail_code(path, error);
  co_return std::move(socket);
}

}  // namespace bulkhead::http
