// One end of a connection over a Unix socket as coroutines of Asio: heads, bodies, raw streams.
// Every operation ends with a Result; nothing is thrown. All on one thread, one loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/chunks.h"
#include "http/message.h"

namespace bulkhead::http {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using Clock = std::chrono::steady_clock;

template <typename T = void>
using Task = asio::awaitable<Result<T>>;

class Channel;

struct Pipe {
  UniqueFd read_end, write_end;
};

// The event loop with what its channels share: pipes for splice(2), and the watch over deadlines.
class Loop {
 public:
  Loop() : io(1), sweep_(io) {}

  // A pipe that is empty; give it back empty, or drop it.
  Result<Pipe> take_pipe();
  void give_pipe(Pipe pipe);

  // Looks once a second for channels whose time is over; ends with the loop.
  asio::awaitable<void> watch_deadlines();

 private:
  friend class Channel;
  std::set<Channel*> channels_;  // before io: what io still holds at its end takes itself off
  std::vector<Pipe> pipes_;
  std::size_t body_bytes_ = 0;  // in memory, of bodies that are being read

 public:
  asio::io_context io;

 private:
  asio::steady_timer sweep_;
};

class Channel {
 public:
  Channel(Loop& loop, Protocol::socket socket);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // The bytes of the next head, its blank line included; "" when the peer ended before one began.
  // Errors: larger than limits::kHttpHeadBytes, ended within, timed out. `started` seconds count
  // from its first byte; the wait for that one is not limited.
  Task<std::string> read_head(std::chrono::seconds started);

  // The whole payload of a body; more than `limit` bytes are an error (code EMSGSIZE), so are more
  // than limits::kApiBodiesBytes of all channels together (ENOBUFS).
  Task<std::string> read_body(Body body, std::size_t limit, std::chrono::seconds within);

  // The first `size` bytes of a body's payload, less only where it is shorter; they stay to be read.
  Task<std::string> peek_body(Body body, std::size_t size, std::chrono::seconds within);

  // What has come, at least a byte; "" at the end of the stream.
  Task<std::string> read_some();

  // All of the parts, in order. By value: g++ 12 does not keep a braced list alive over a co_await.
  Task<> write(std::string_view a, std::string_view b = {});

  // Calls `handler`, once, when the peer has closed its connection altogether (not just its sending
  // side). A later handler replaces an earlier one. Not a coroutine: thousands wait here.
  void on_hangup(std::function<void()> handler);

  // Before a close while the peer may still be sending: says that nothing more comes, and reads for
  // `within` what is on its way. A Unix socket closed with unread data loses what was sent last.
  asio::awaitable<void> linger(std::chrono::seconds within);

  void end_sending();    // the peer reads an end of stream
  void end_receiving();  // we read one, now and from anybody who waits

  // Ends every pending operation with an error when not called again with another time by then.
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }
  void clear_deadline() { deadline_ = Clock::time_point::max(); }

  Loop& loop() { return loop_; }
  BorrowedFd fd() { return socket_.native_handle(); }
  bool has_input() const { return !input_.empty(); }

 private:
  friend class Loop;
  friend class Relay;

  Task<std::size_t> fill();  // appends to input_ what has come; 0: end of stream
  Result<std::size_t> receive();
  Task<> write_pieces(Pieces& pieces);  // uses the list up
  asio::awaitable<Result<>> wait(Protocol::socket::wait_type what);
  void take(std::size_t size);        // off the front of input_; an idle channel holds no memory
  void use_large_buffer();            // in the kernel, for what is going to be a stream
  Error timed_out_or(Error error) const;

  Loop& loop_;
  Protocol::socket socket_;
  std::string input_;  // read, and not yet taken
  std::function<void()> hangup_handler_;
  std::shared_ptr<Channel*> self_;  // for a wait that ends after the channel
  std::size_t read_bytes_ = 4096;  // at once; grows with what comes
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timed_out_ = false;
};

// Moves one body from a channel to another; `out` says how it is framed there. Large pieces of
// kLength bodies go by splice(2), without a look at them.
Task<> relay_body(Channel& from, Body body, Channel& to, Framing out);

// Two raw streams, one each way, until both have ended or a side is gone. An end of stream is
// passed on as one (half-close); what was read ahead goes first.
asio::awaitable<void> tunnel(Channel& a, Channel& b);

// Connects to the stream socket at `path`.
asio::awaitable<Result<Protocol::socket>> connect(Loop& loop, std::string_view path);

}  // namespace bulkhead::http
