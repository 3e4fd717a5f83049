// One client's connection, from accept to its end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "guard/audit.h"
#include "guard/environment.h"
#include "http/channel.h"

namespace bulkhead::guard {

// What all connections share. `environment` is replaced as a whole on reload: a request is judged
// by the one that is there when it comes.
struct Shared {
  http::Loop& loop;
  std::string engine_socket;
  std::shared_ptr<const Environment> environment;
  Audit audit;
};

// Serves requests until either side ends. Nothing is thrown.
boost::asio::awaitable<void> serve(Shared& shared, http::Protocol::socket socket, Caller caller);

}  // namespace bulkhead::guard
