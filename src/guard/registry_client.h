// The guard's end of the conversation with bulkhead-registry, the process that asks registries.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guard/facts.h"
#include "http/channel.h"

namespace bulkhead::guard {

class RegistryClient {
 public:
  // `program`: bulkhead-registry; `arguments`: beside "serve" and its socket. Nothing is started yet.
  RegistryClient(http::Loop& loop, std::string program, std::vector<std::string> arguments)
      : loop_(loop), program_(std::move(program)), arguments_(std::move(arguments)) {}

  // What the reference stands for. Starts the process when it does not run. Errors: it cannot be
  // started, died meanwhile, or says why there is no answer.
  boost::asio::awaitable<Facts::Ids> ask(images::Question question);

  // A changed policy needs another process: it reads the settings when it starts.
  void restart();

 private:
  struct Waiting {
    explicit Waiting(boost::asio::io_context& io);
    boost::asio::steady_timer answered;  // never expires; cancelled when there is an answer
    Facts::Ids ids;
  };

  Result<> start();
  boost::asio::awaitable<void> read_answers(std::shared_ptr<http::Channel> channel);
  void fail_all(const std::string& why);

  http::Loop& loop_;
  std::string program_;
  std::vector<std::string> arguments_;
  std::shared_ptr<http::Channel> channel_;
  std::map<std::uint64_t, std::shared_ptr<Waiting>> waiting_;
  std::uint64_t next_id_ = 1;
};

}  // namespace bulkhead::guard
