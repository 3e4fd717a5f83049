#include "guard/registry_client.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "registry/protocol.h"

namespace bulkhead::guard {

namespace asio = boost::asio;

namespace {

constexpr int kChildSocket = 3;
constexpr std::chrono::seconds kAnswerTime{60};  // above all that the registry process waits itself

Result<> spawn(const std::string& program, const std::vector<std::string>& arguments, BorrowedFd socket) {
  std::vector<std::string> words{program, "serve", "--socket-fd", std::to_string(kChildSocket)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kChildSocket);
  // What is ignored here would stay ignored there.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (int number : {SIGPIPE, SIGCHLD}) ::sigaddset(&defaults, number);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path, nullptr};
  int error = ::posix_spawn(nullptr, program.c_str(), &actions, &attributes, argv.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error) return fail_errno(program, error);
  return {};  // its end is seen by its socket; SIGCHLD is ignored, so that no zombie stays
}

}  // namespace

RegistryClient::Waiting::Waiting(asio::io_context& io)
    : answered(io, http::Clock::time_point::max()), ids(fail("bulkhead-registry did not answer in time")) {}

Result<> RegistryClient::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return fail_errno("socketpair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  TRY(spawn(program_, arguments_, theirs.get()));
  channel_ = std::make_shared<http::Channel>(
      loop_, http::Protocol::socket(loop_.io, http::Protocol(), ours.release()));
  asio::co_spawn(loop_.io, read_answers(channel_), asio::detached);
  return {};
}

void RegistryClient::restart() {
  if (channel_) channel_->end_receiving();
  channel_.reset();
}

void RegistryClient::fail_all(const std::string& why) {
  for (auto& [id, waiting] : waiting_) {
    waiting->ids = fail(why);
    waiting->answered.cancel();
  }
  waiting_.clear();
}

asio::awaitable<void> RegistryClient::read_answers(std::shared_ptr<http::Channel> channel) {
  registry::FrameReader frames(limits::kRegistryFrameBytes);
  std::string broken;
  while (broken.empty()) {
    auto bytes = co_await channel->read_some();
    if (!bytes || bytes->empty()) break;
    frames.feed(*bytes);
    for (;;) {
      auto frame = frames.take();
      if (!frame) broken = frame.error().message;
      if (!frame || !*frame) break;
      auto response = registry::decode_response(**frame);
      auto waiting = response ? waiting_.find(response->id) : waiting_.end();
      if (waiting == waiting_.end()) continue;
      if (response->served)
        waiting->second->ids = registry::image_ids(*response->served);
      else
        waiting->second->ids = fail(response->served.error().message);
      waiting->second->answered.cancel();
      waiting_.erase(waiting);
    }
  }
  if (channel_ != channel) co_return;  // another one runs already
  channel_.reset();
  fail_all(broken.empty() ? "bulkhead-registry has ended" : broken);
}

asio::awaitable<Facts::Ids> RegistryClient::ask(images::Question question) {
  if (!channel_)
    if (auto started = start(); !started) co_return std::unexpected(std::move(started).error());
  auto id = next_id_++;
  auto waiting = std::make_shared<Waiting>(loop_.io);
  waiting->answered.expires_after(kAnswerTime);
  waiting_[id] = waiting;
  auto channel = channel_;
  auto frame = registry::encode(registry::Request{id, question.reference, question.cached_only});
  auto sent = co_await channel->write(frame);
  if (!sent) {
    waiting_.erase(id);
    co_return std::unexpected(std::move(sent).error());
  }
  if (waiting_.contains(id)) co_await waiting->answered.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting_.erase(id);
  co_return waiting->ids;
}

}  // namespace bulkhead::guard
