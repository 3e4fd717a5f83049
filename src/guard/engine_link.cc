#include "guard/engine_link.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "guard/forward.h"

namespace bulkhead::guard {
namespace {

constexpr std::chrono::seconds kAnswerTime{120};

std::unexpected<Refusal> unavailable(std::string message) {
  return std::unexpected(Refusal{503, "engine", std::move(message)});
}

}  // namespace

Judging<> EngineLink::reach() {
  if (channel_) co_return Verdict<>();
  auto socket = co_await http::connect(engine_.loop, engine_.socket);
  if (!socket) co_return unavailable(cat("bulkhead-guard cannot reach the engine: ", socket.error().message));
  channel_.emplace(engine_.loop, std::move(*socket));
  if (engine_.verified.is_verified(channel_->fd())) co_return Verdict<>();
  auto verified = co_await verify();
  if (!verified) channel_.reset();
  co_return verified;
}

Judging<> EngineLink::verify() {
  auto info = co_await ask("/info");
  if (!info) co_return std::unexpected(info.error());
  if (!channel_ || !info->body.is_object()) co_return unavailable("the engine did not answer GET /info");
  auto good = check_private(engine_.socket);
  if (good) good = engine_.verified.verify(channel_->fd(), info->body.get_object(), engine_.runtime);
  if (good) co_return Verdict<>();
  log::error(cat("bulkhead-guard: nothing is passed on: ", good.error().message));
  co_return unavailable(cat("bulkhead-guard passes nothing on: ", good.error().message));
}

Judging<Fact> EngineLink::ask(std::string target) {
  auto failed = [&](std::string_view why) {
    channel_.reset();
    return std::unexpected(Refusal{502, "engine", cat("the engine did not answer ", target, ": ", why)});
  };
  auto question = http::write_request(question_head(target));
  auto sent = co_await channel_->write(question);
  if (!sent) co_return failed(sent.error().message);
  channel_->set_deadline(http::Clock::now() + kAnswerTime);
  auto text = co_await channel_->read_head(kAnswerTime);
  if (!text || text->empty()) co_return failed(text ? "it closed the connection" : text.error().message);
  auto head = http::parse_response(*text);
  if (!head) co_return failed(head.error().message);
  auto body = co_await channel_->read_body(head->body, limits::kApiFactBytes, kAnswerTime);
  if (!body) co_return failed(body.error().message);
  Fact fact{head->status, nullptr};
  if (fact.status == 200) {
    auto value = json::parse(*body);
    if (!value) co_return failed(value.error().message);
    fact.body = std::move(*value);
  }
  if (head->body.framing != http::Framing::kUntilClose && !head->headers.has_token("Connection", "close"))
    co_return fact;
  channel_.reset();
  auto reached = co_await reach();
  if (!reached) co_return std::unexpected(reached.error());
  co_return fact;
}

}  // namespace bulkhead::guard
