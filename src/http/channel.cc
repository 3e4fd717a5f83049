#include "http/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::http {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kFirstReadBytes = 4u << 10;  // a head and small bodies
constexpr std::size_t kMostReadBytes = 128u << 10;
constexpr int kStreamBuffer = 1 << 20;
constexpr std::size_t kPiecesAtOnce = 64;
constexpr std::size_t kPipesKept = 16;
constexpr std::size_t kSpliceFrom = 256u << 10;  // below, a pipe costs more than a copy

std::unexpected<Error> fail_code(std::string_view what, const boost::system::error_code& code) {
  return std::unexpected(Error{code.value(), cat(what, ": ", code.message())});
}

// A body's share of what all bodies may take.
class Share {
 public:
  explicit Share(std::size_t& all) : all_(all) {}
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() { all_ -= mine_; }
  bool grow_to(std::size_t size) {
    all_ += size - mine_;
    mine_ = size;
    return all_ <= limits::kApiBodiesBytes;
  }

 private:
  std::size_t& all_;
  std::size_t mine_ = 0;
};

}  // namespace

// What moves between two channels without being looked at.
class Relay {
 public:
  // Up to `limit` bytes, less only at the end of the stream; returns how many.
  static Task<std::uint64_t> splice_bytes(Channel& from, Channel& to, std::uint64_t limit);
  static Task<> splice_out(Pipe& pipe, std::size_t size, Channel& to);
  static asio::awaitable<void> pump(Channel& from, Channel& to);
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
  ::fcntl(ends[1], F_SETPIPE_SZ, kStreamBuffer);  // takes no memory before it is full
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
  input_.resize_and_overwrite(before + read_bytes_, [&](char* data, std::size_t) {
    do size = ::recv(fd(), data + before, read_bytes_, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    failure = size < 0 ? errno : 0;
    return before + static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  });
  if (input_.empty()) std::string().swap(input_);  // an assignment would keep the memory
  if (failure) return fail_errno("read", failure);
  if (static_cast<std::size_t>(size) == read_bytes_) read_bytes_ = std::min(read_bytes_ * 8, kMostReadBytes);
  return static_cast<std::size_t>(size);
}

void Channel::take(std::size_t size) {
  if (size == input_.size())
    std::string().swap(input_);
  else
    input_.erase(0, size);
}

void Channel::use_large_buffer() {
  int size = kStreamBuffer;
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
}

asio::awaitable<Result<>> Channel::wait(Protocol::socket::wait_type what) {
  if (timed_out_) co_return std::unexpected(timed_out_or({}));
  auto [error] = co_await socket_.async_wait(what, kAwait);
  if (error) co_return std::unexpected(timed_out_or(fail_code("wait", error).error()));
  co_return Result<>();
}

Task<std::size_t> Channel::fill() {
  // Only a socket that has nothing is waited for: a turn of the loop costs more than a failed read.
  for (;;) {
    auto size = receive();
    if (size || size.error().code != EAGAIN) co_return size;
    auto ready = co_await wait(Protocol::socket::wait_read);
    if (!ready) co_return std::unexpected(std::move(ready).error());
  }
}

Task<std::string> Channel::read_head(std::chrono::seconds started) {
  std::size_t searched = 0;
  read_bytes_ = kFirstReadBytes;
  for (;;) {
    if (!input_.empty() && deadline_ == Clock::time_point::max())
      set_deadline(Clock::now() + started);
    auto from = searched > 3 ? searched - 3 : 0;
    if (auto length = head_length(std::string_view(input_).substr(from))) {
      clear_deadline();
      std::string head = input_.substr(0, from + length);
      take(head.size());
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
  Pieces pieces;
  Share share(loop_.body_bytes_);
  set_deadline(Clock::now() + within);
  if (body.framing == Framing::kLength && body.length > limit)
    co_return std::unexpected(Error{EMSGSIZE, "too large"});
  for (;;) {
    pieces.clear();
    auto used = reader.take(input_, pieces);
    if (!used) co_return std::unexpected(std::move(used).error());
    for (auto piece : pieces) payload += piece;
    take(*used);
    if (!share.grow_to(payload.size()))
      co_return std::unexpected(Error{ENOBUFS, "too many bodies at a time"});
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

Task<std::string> Channel::peek_body(Body body, std::size_t size, std::chrono::seconds within) {
  set_deadline(Clock::now() + within);
  for (;;) {
    BodyReader reader(body);
    Pieces pieces;
    auto used = reader.take(input_, pieces);
    if (!used) co_return std::unexpected(std::move(used).error());
    std::string first;
    for (auto piece : pieces) first += piece.substr(0, size - std::min(size, first.size()));
    if (first.size() < size && !reader.done()) {
      auto got = co_await fill();
      if (!got) co_return std::unexpected(std::move(got).error());
      if (*got > 0) continue;
    }
    clear_deadline();
    co_return first;
  }
}

Task<std::string> Channel::read_some() {
  if (input_.empty()) {
    auto size = co_await fill();
    if (!size) co_return std::unexpected(std::move(size).error());
  }
  co_return std::exchange(input_, std::string());
}

Task<> Channel::write(std::string_view a, std::string_view b) {
  Pieces pieces{a, b};
  co_return co_await write_pieces(pieces);
}

Task<> Channel::write_pieces(Pieces& pieces) {
  std::size_t first = 0;
  for (;;) {
    std::array<iovec, kPiecesAtOnce> parts{};
    std::size_t count = 0;
    while (first < pieces.size() && pieces[first].empty()) ++first;
    for (std::size_t i = first; i < pieces.size() && count < parts.size(); ++i)
      parts[count++] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    if (count == 0) co_return Result<>();
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    auto sent = ::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) co_return fail_errno("write");
    if (sent < 0) {
      auto ready = co_await wait(Protocol::socket::wait_write);
      if (!ready) co_return ready;
      continue;
    }
    for (auto left = static_cast<std::size_t>(sent); left > 0;) {
      auto size = std::min(left, pieces[first].size());
      pieces[first].remove_prefix(size);
      left -= size;
      if (pieces[first].empty()) ++first;
    }
  }
}

void Channel::on_hangup(std::function<void()> handler) {
  hangup_handler_ = std::move(handler);
  if (self_) return;
  self_ = std::make_shared<Channel*>(this);
  socket_.async_wait(Protocol::socket::wait_error,
                     [self = std::weak_ptr(self_)](boost::system::error_code error) {
                       auto channel = self.lock();
                       if (!error && channel && (*channel)->hangup_handler_) (*channel)->hangup_handler_();
                     });
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
    auto ready = co_await to.wait(Protocol::socket::wait_write);
    if (!ready) co_return ready;
  }
  co_return Result<>();
}

Task<std::uint64_t> Relay::splice_bytes(Channel& from, Channel& to, std::uint64_t limit) {
  std::uint64_t moved = 0;
  std::optional<Pipe> pipe;  // held only while something moves
  while (moved < limit) {
    if (!pipe) {
      auto taken = from.loop_.take_pipe();
      if (!taken) co_return std::unexpected(std::move(taken).error());
      pipe = std::move(*taken);
    }
    auto want = std::min<std::uint64_t>(limit - moved, kStreamBuffer);
    auto size = ::splice(from.fd(), nullptr, pipe->write_end.get(), nullptr, static_cast<std::size_t>(want),
                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (size == 0) break;
    if (size > 0) {
      auto sent = co_await splice_out(*pipe, static_cast<std::size_t>(size), to);
      if (!sent) co_return std::unexpected(std::move(sent).error());
      moved += static_cast<std::uint64_t>(size);
    } else if (errno == EAGAIN) {
      from.loop_.give_pipe(std::move(*pipe));
      pipe.reset();
      auto ready = co_await from.wait(Protocol::socket::wait_read);
      if (!ready) co_return std::unexpected(std::move(ready).error());
    } else if (errno != EINTR) {
      co_return fail_errno("read");
    }
  }
  if (pipe) from.loop_.give_pipe(std::move(*pipe));
  co_return moved;
}

Task<> Relay::body(Channel& from, Body body, Channel& to, Framing out) {
  BodyReader reader(body);
  bool chunked = out == Framing::kChunked;
  Pieces pieces;
  for (;;) {
    pieces.assign(1, {});  // the place of the chunk's header
    auto used = reader.take(from.input_, pieces);
    if (!used) co_return std::unexpected(std::move(used).error());
    std::size_t size = 0;
    for (auto piece : pieces) size += piece.size();
    auto header = chunked && size > 0 ? chunk_header(size) : std::string();
    pieces.front() = header;
    if (chunked && size > 0) pieces.push_back(kChunkEnd);
    if (chunked && reader.done()) pieces.push_back(kLastChunk);
    auto sent = co_await to.write_pieces(pieces);
    if (!sent) co_return sent;
    from.take(*used);
    if (reader.done()) co_return Result<>();
    if (out == Framing::kLength && reader.left() >= kSpliceFrom) {
      to.use_large_buffer();
      auto moved = co_await splice_bytes(from, to, reader.left());
      if (!moved) co_return std::unexpected(std::move(moved).error());
      reader.skip(*moved);
      co_return reader.finish();
    }
    auto got = co_await from.fill();
    if (!got) co_return std::unexpected(std::move(got).error());
    if (*got > 0) continue;
    if (auto ended = reader.finish(); !ended) co_return ended;
  }
}

asio::awaitable<void> Relay::pump(Channel& from, Channel& to) {
  Result<> sent = co_await to.write(from.input_);
  from.take(from.input_.size());
  to.use_large_buffer();
  if (sent) co_await splice_bytes(from, to, UINT64_MAX);
  // In either case no more comes: a writer that fails has a peer that is gone.
  to.end_sending();
  from.end_receiving();
}

Task<> relay_body(Channel& from, Body body, Channel& to, Framing out) {
  return Relay::body(from, body, to, out);
}

asio::awaitable<void> tunnel(Channel& a, Channel& b) {
  a.on_hangup([&b] { b.end_receiving(); });
  b.on_hangup([&a] { a.end_receiving(); });
  bool ended = false;
  asio::steady_timer end(a.loop().io, Clock::time_point::max());
  asio::co_spawn(a.loop().io, Relay::pump(b, a), [&](const std::exception_ptr&) {
    ended = true;
    end.cancel();
  });
  co_await Relay::pump(a, b);
  if (!ended) co_await end.async_wait(kAwait);
  a.on_hangup({});
  b.on_hangup({});
}

asio::awaitable<Result<Protocol::socket>> connect(Loop& loop, std::string_view path) {
  Protocol::socket socket(loop.io);
  if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return fail(cat(path, ": path too long"));
  auto [error] = co_await socket.async_connect(Protocol::endpoint(path), kAwait);
  if (error) co_return fail_code(path, error);
  co_return std::move(socket);
}

}  // namespace bulkhead::http
