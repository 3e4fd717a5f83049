// What is known without asking, and what becomes of what a registry says: the rules of age, pins
// and failure, apart from sockets and processes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "registry/cache.h"
#include "registry/protocol.h"
#include "registry/resolve.h"

namespace bulkhead::registry {

struct DeskSettings {
  std::uint32_t refresh_seconds = 120, max_age_seconds = 604800;
};

class Desk {
 public:
  Desk(Cache cache, Pins pins, DeskSettings settings)
      : cache_(std::move(cache)), pins_(std::move(pins)), settings_(settings) {}

  // The answer that needs no network: a pin (which is never asked about: hosts without a network
  // have it), an answer younger than the refresh time, one by digest (which cannot change), the
  // last failure when it was seconds ago (a registry that is down must not cost every create its
  // timeout), anything that still counts when the request is for what is at hand. nullopt: ask.
  std::optional<Resolution> at_hand(const Request& request, std::int64_t now);

  // The last answer, to spare the registry what does not change; nullopt when there is none.
  std::optional<Served> known(const images::Reference& reference) const {
    return cache_.find(reference);
  }

  // What to answer after the registry was asked. A verified answer is kept. After a failure the
  // last verified answer counts within its age; never after the registry's word that the reference
  // is gone.
  Resolution after_asking(const images::Reference& reference, Resolution fresh, std::int64_t now);

 private:
  struct Failed {
    std::int64_t at = 0;
    std::string message;
  };
  std::optional<Served> counting(const images::Reference& reference, std::int64_t now) const;
  Resolution without_answer(const images::Reference& reference, std::string message,
                            std::int64_t now) const;

  Cache cache_;
  Pins pins_;
  DeskSettings settings_;
  std::map<std::string, Failed, std::less<>> failed_;
};

}  // namespace bulkhead::registry
