#include "guard/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "sys/socket.h"

namespace bulkhead::guard {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr int kBacklog = 1024;

// Connections by user, so that one user's storm does not take every place.
class Places {
 public:
  bool take(uid_t uid) {
    if (all_ >= limits::kApiConnections || by_user_[uid] >= limits::kApiConnectionsOfUser) return false;
    ++all_, ++by_user_[uid];
    return true;
  }
  void give(uid_t uid) {
    --all_;
    if (--by_user_[uid] == 0) by_user_.erase(uid);
  }

 private:
  std::size_t all_ = 0;
  std::map<uid_t, std::size_t> by_user_;
};

Places& places() {
  static Places all;
  return all;
}

asio::awaitable<void> serve_in_place(Shared& shared, http::Protocol::socket socket, Caller caller) {
  auto uid = caller.uid;
  co_await serve(shared, std::move(socket), std::move(caller));
  places().give(uid);
}

Caller identify(http::Protocol::socket& socket, std::string_view listener) {
  ucred credentials{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t size = sizeof credentials;
  ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return {std::string(listener), credentials.uid, credentials.pid};
}

}  // namespace

Result<UniqueFd> listen_at(const ListenAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof name.sun_path) return fail(cat(address.path, ": the path is too long for a socket"));
  address.path.copy(name.sun_path, sizeof name.sun_path - 1);
  if (sys::connect_unix(address.path))
    return fail(cat(address.path, ": another process listens there; end it or choose another path"));
  ::unlink(address.path.c_str());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket");
  auto mask = ::umask(0777);
  int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  ::umask(mask);
  if (bound < 0) return fail_errno(address.path);
  if (::listen(socket.get(), kBacklog) < 0) return fail_errno(address.path);
  if (::chown(address.path.c_str(), 0, address.group) < 0 || ::chmod(address.path.c_str(), address.mode) < 0)
    return fail_errno(address.path);
  return socket;
}

asio::awaitable<void> accept_clients(Shared& shared, UniqueFd socket, std::string name) {
  http::Protocol::acceptor acceptor(shared.engine.loop.io, http::Protocol(), socket.release());
  for (;;) {
    auto [error, client] = co_await acceptor.async_accept(kAwait);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {  // EMFILE and the like: not this client's fault, and not to be tried in a tight loop
      log::warn(cat("bulkhead-guard: accept: ", error.message()));
      asio::steady_timer pause(shared.engine.loop.io, std::chrono::milliseconds(100));
      co_await pause.async_wait(kAwait);
      continue;
    }
    auto caller = identify(client, name);
    if (!places().take(caller.uid)) continue;  // closes it
    asio::co_spawn(shared.engine.loop.io, serve_in_place(shared, std::move(client), std::move(caller)), asio::detached);
  }
}

}  // namespace bulkhead::guard
