// The life of bulkhead-registry: requests in, answers out, a worker for each reference that must be
// asked about. One thread, one poll(2).
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "fetch/worker.h"
#include "registry/desk.h"

namespace bulkhead::fetch {

class Server {
 public:
  // `guard`: the connected stream socket. The settings must outlive the server.
  Server(UniqueFd guard, registry::Desk desk, const registry::ResolveSettings& resolve,
         const CurlSettings& curl)
      : guard_(std::move(guard)), desk_(std::move(desk)), resolve_(resolve), curl_(curl) {}

  // Serves until the guard hangs up. Errors: the guard sends what is no request, or takes no
  // answers.
  Result<> run();

 private:
  struct Waiting {  // for one reference; several requests may
    images::Reference reference;
    std::vector<std::uint64_t> requests;
    std::optional<Worker> worker;  // none yet: in the queue
  };

  Result<bool> receive();  // false: the guard has hung up
  Result<> handle(const registry::Request& request);
  Result<> send();
  void start_workers();
  void collect_workers();
  void finish(Waiting& waiting, registry::Resolution fresh);
  void answer(std::uint64_t id, const registry::Resolution& resolution);
  int patience_ms() const;

  UniqueFd guard_;
  registry::Desk desk_;
  const registry::ResolveSettings& resolve_;
  const CurlSettings& curl_;
  registry::FrameReader frames_{limits::kRegistryFrameBytes};
  std::string out_;             // answers on their way
  std::list<Waiting> waiting_;  // a Worker cannot be moved over another
  std::size_t requests_ = 0;    // in waiting_
};

}  // namespace bulkhead::fetch
