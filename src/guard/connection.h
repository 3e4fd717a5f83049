// One client's connection, from accept to its end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "guard/audit.h"
#include "guard/engine_link.h"
#include "guard/environment.h"
#include "guard/registry_client.h"

namespace bulkhead::guard {

// Makes the sockets that containers are handed.
class HolderSockets {
 public:
  virtual ~HolderSockets() = default;
  virtual Result<> provide(const Holder& holder) = 0;
};

// What all connections share. `environment` is replaced as a whole on reload: a request is judged
// by the one that is there when it comes.
struct Shared {
  Engine& engine;
  RegistryClient& registry;
  HolderSockets* sockets = nullptr;
  std::shared_ptr<const Environment> environment;
  Audit audit;
};

// Serves requests until either side ends. Nothing is thrown.
boost::asio::awaitable<void> serve(Shared& shared, http::Protocol::socket socket, Caller caller);

}  // namespace bulkhead::guard
