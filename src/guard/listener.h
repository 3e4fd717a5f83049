// The sockets that clients connect to.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guard/connection.h"
#include "guard/supervisor.h"

namespace bulkhead::guard {

struct ListenAddress {
  std::string path;
  gid_t group = 0;
  mode_t mode = 0660;
};

// Binds and listens. A socket file that nobody listens on is replaced; one that somebody does is an
// error. The path never exists with wider permissions than it gets.
Result<UniqueFd> listen_at(const ListenAddress& address);

// Every socket of a worker, and who comes by it.
class Listeners : public HolderSockets {
 public:
  Listeners(Shared& shared, Supervisor& supervisor, std::string state_directory)
      : shared_(shared), supervisor_(supervisor), state_(std::move(state_directory)) {}

  // Accepts on what the supervisor holds; `kept` must be all of it. Sockets of containers that it
  // does not hold (after a start of the machine) are made anew.
  Result<> open_all(Sockets kept);

  Result<> provide(const Holder& holder) override;

  // Removes the sockets of containers that are gone: now and then.
  boost::asio::awaitable<void> sweep();

  void stop_accepting();

 private:
  struct Listening {
    std::shared_ptr<http::Protocol::acceptor> acceptor;
    std::shared_ptr<Holder> holder;  // of a container; nullptr: the host's own clients
  };
  void accept(const std::string& path, UniqueFd socket, std::shared_ptr<Holder> holder);
  Result<> remove(const std::string& key);
  boost::asio::awaitable<void> sweep_once();

  Shared& shared_;
  Supervisor& supervisor_;
  std::string state_;
  std::map<std::string, Listening> listening_;  // by path
};

// How many clients are served now.
std::size_t connections();

}  // namespace bulkhead::guard
