// One client's connection, from accept to its end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "guard/audit.h"
#include "guard/engine_link.h"
#include "guard/environment.h"

namespace bulkhead::guard {

// What all connections share. `environment` is replaced as a whole on reload: a request is judged
// by the one that is there when it comes.
struct Shared {
  Engine& engine;
  std::shared_ptr<const Environment> environment;
  Audit audit;
};

// Serves requests until either side ends. Nothing is thrown.
boost::asio::awaitable<void> serve(Shared& shared, http::Protocol::socket socket, Caller caller);

}  // namespace bulkhead::guard
