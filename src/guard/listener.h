// The sockets that clients connect to.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guard/connection.h"

namespace bulkhead::guard {

struct ListenAddress {
  std::string path;
  gid_t group = 0;
  mode_t mode = 0660;
};

// Binds and listens. A socket file that nobody listens on is replaced; one that somebody does is an
// error. The path never exists with wider permissions than it gets.
Result<UniqueFd> listen_at(const ListenAddress& address);

// Accepts clients for as long as the loop runs. `name` is for the audit log.
boost::asio::awaitable<void> accept_clients(Shared& shared, UniqueFd socket, std::string name);

}  // namespace bulkhead::guard
