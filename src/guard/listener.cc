#include "guard/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/serialize.h"
#include "sys/socket.h"

namespace bulkhead::guard {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr int kBacklog = 1024;
constexpr std::chrono::minutes kSweepEvery{10};
constexpr time_t kYoungSeconds = 300;

// Whether the socket may belong to a create that is still under way.
bool is_young(std::string_view state, std::string_view key) {
  struct stat st {};
  return ::stat(socket_path(state, key).c_str(), &st) < 0 || ::time(nullptr) - st.st_mtime < kYoungSeconds;
}

// Connections by user, so that one user's storm does not take every place.
class Places {
 public:
  bool take(uid_t uid) {
    if (all_ >= limits::kApiConnections || by_user_[uid] >= limits::kApiConnectionsOfUser) return false;
    ++all_, ++by_user_[uid];
    return true;
  }
  std::size_t all() const { return all_; }
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
  return {std::string(listener), credentials.uid, credentials.pid, nullptr};
}

}  // namespace

Result<UniqueFd> listen_at(const ListenAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof name.sun_path)
    return fail(cat(address.path, ": the path is too long for a socket"));
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

namespace {

asio::awaitable<void> accept_clients(Shared& shared, std::shared_ptr<http::Protocol::acceptor> acceptor,
                                     std::string name, std::shared_ptr<const Holder> holder) {
  for (;;) {
    auto [error, client] = co_await acceptor->async_accept(kAwait);
    if (!acceptor->is_open()) co_return;
    if (error) {  // EMFILE and the like: not this client's fault, and not to be tried in a tight loop
      log::warn(cat("bulkhead-guard: accept: ", error.message()));
      asio::steady_timer pause(shared.engine.loop.io, std::chrono::milliseconds(100));
      co_await pause.async_wait(kAwait);
      continue;
    }
    auto caller = identify(client, name);
    caller.holder = holder;
    if (!places().take(caller.uid)) continue;  // closes it
    asio::co_spawn(shared.engine.loop.io, serve_in_place(shared, std::move(client), std::move(caller)),
                   asio::detached);
  }
}

}  // namespace

std::size_t connections() { return places().all(); }

void Listeners::accept(const std::string& path, UniqueFd socket, std::shared_ptr<Holder> holder) {
  auto acceptor =
      std::make_shared<http::Protocol::acceptor>(shared_.engine.loop.io, http::Protocol(), socket.release());
  listening_[path] = {acceptor, holder};
  asio::co_spawn(shared_.engine.loop.io, accept_clients(shared_, acceptor, path, holder), asio::detached);
}

Result<> Listeners::open_all(Sockets kept) {
  for (const auto& holder : TRY(load_holders(state_))) {
    auto path = socket_path(state_, holder.key);
    auto node = kept.extract(path);
    if (node.empty())
      TRY(provide(holder));
    else
      accept(path, std::move(node.mapped()), std::make_shared<Holder>(holder));
  }
  for (auto& [path, socket] : kept)
    if (!key_of(state_, path)) accept(path, std::move(socket), nullptr);
  return {};
}

Result<> Listeners::provide(const Holder& holder) {
  auto path = socket_path(state_, holder.key);
  TRY(store_holder(state_, holder));
  if (auto known = listening_.find(path); known != listening_.end()) {
    *known->second.holder = holder;  // the policy may say otherwise now
    return {};
  }
  // Whoever has it mounted is its user, with whatever id; on the host only root gets to it.
  auto socket = TRY(listen_at({path, 0, 0666}));
  TRY(supervisor_.keep(path, socket.get()));
  accept(path, std::move(socket), std::make_shared<Holder>(holder));
  return {};
}

Result<> Listeners::remove(const std::string& key) {
  auto path = socket_path(state_, key);
  if (auto known = listening_.find(path); known != listening_.end()) {
    known->second.acceptor->close();
    listening_.erase(known);
  }
  TRY(supervisor_.drop(path));
  return remove_holder(state_, key);
}

void Listeners::stop_accepting() {
  for (auto& [path, listening] : listening_) listening.acceptor->close();
}

asio::awaitable<void> Listeners::sweep_once() {
  std::vector<std::string> mine;  // before the engine is asked: one made meanwhile is not in its answer
  for (const auto& [path, listening] : listening_)
    if (listening.holder) mine.push_back(listening.holder->key);
  if (mine.empty()) co_return;
  EngineLink link(shared_.engine);
  auto reached = co_await link.reach();
  if (!reached) co_return;
  auto fact = co_await link.ask("/containers/json?all=1");
  if (!fact || fact->status != 200) co_return;
  auto text = json::serialize(fact->body);
  for (const auto& key : mine) {
    // The key is unguessable: where it stands nowhere in what the engine says, no container has it.
    if (text.find(key) != text.npos || is_young(state_, key)) continue;
    if (auto removed = remove(key); !removed) log::warn(cat("bulkhead-guard: ", removed.error().message));
  }
}

asio::awaitable<void> Listeners::sweep() {
  asio::steady_timer timer(shared_.engine.loop.io);
  for (;;) {
    co_await sweep_once();
    timer.expires_after(kSweepEvery);
    auto [error] = co_await timer.async_wait(kAwait);
    if (error) co_return;
  }
}

}  // namespace bulkhead::guard
