// A connection to the engine, made when it is first needed, and the guard's own questions over it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "guard/engine.h"
#include "guard/facts.h"
#include "http/channel.h"

namespace bulkhead::guard {

template <typename T = void>
using Judging = boost::asio::awaitable<Verdict<T>>;

// The engine behind the guard: one for the whole process.
struct Engine {
  http::Loop& loop;
  std::string socket;
  std::string runtime;  // what it must run containers with
  VerifiedEngine verified;
};

class EngineLink {
 public:
  explicit EngineLink(Engine& engine) : engine_(engine) {}

  // Connected, to an engine that was found good. Refused (503): not there, or not set up as it must be.
  Judging<> reach();

  // The answer to GET `target`. Reconnects where the engine ends the connection.
  Judging<Fact> ask(std::string target);

  explicit operator bool() const { return channel_.has_value(); }
  http::Channel& operator*() { return *channel_; }
  http::Channel* operator->() { return &*channel_; }
  void reset() { channel_.reset(); }

 private:
  Judging<> verify();

  Engine& engine_;
  std::optional<http::Channel> channel_;
};

}  // namespace bulkhead::guard
