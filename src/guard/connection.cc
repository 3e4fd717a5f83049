// The life of a connection: serve_one() tells it.
#include "guard/connection.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/limits.h"
#include "base/strings.h"
#include "guard/forward.h"
#include "guard/route.h"
#include "json/serialize.h"
#include "policy/endpoints.h"

namespace bulkhead::guard {
namespace {

namespace asio = boost::asio;
using http::Framing;
using std::chrono::seconds;

constexpr seconds kHeadTime{20}, kBodyTime{30}, kAnswerTime{120}, kLingerTime{2};
constexpr std::string_view kArchive = "/containers/{id}/archive";
constexpr std::size_t kMagicBytes = 6;
constexpr std::string_view kCompressed[] = {
    "\x1f\x8b", "BZh", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd", {"\x5d\0\0", 3}};  // gzip, bzip2, xz, zstd, lzma
constexpr std::size_t kIgnoredBodyBytes = 64;  // "{}" where no body belongs, as some clients send

class Connection {
 public:
  Connection(Shared& shared, http::Protocol::socket socket, Caller caller)
      : shared_(shared),
        client_(shared.engine.loop, std::move(socket)),
        engine_(shared.engine),
        caller_(std::move(caller)) {}

  asio::awaitable<void> serve() {
    // A client that hangs up ends what the engine does for it: `docker logs -f` and Ctrl-C.
    client_.on_hangup([this] {
      if (engine_) engine_->end_receiving();
    });
    co_await serve_requests();
  }

 private:
  struct Exchange {
    Request request;
    const Route* route = nullptr;
    http::RequestHead head;  // the client's
    std::string body;        // for the engine, unless it is a stream
    bool has_body = false;   // the client sent one that was read
    bool body_left = false;  // some of it is still on the wire
    bool keep_alive = true;
  };

  asio::awaitable<void> serve_requests() {
    bool more = true;
    while (more) more = co_await serve_one();  // not in the condition: g++ 12 makes a trap of that
  }

  // One request; false: the connection ends.
  asio::awaitable<bool> serve_one() {
    Exchange exchange;
    auto verdict = co_await read_request(exchange);
    if (verdict && !exchange.route) co_return false;  // the client has ended
    if (verdict) verdict = co_await read_body(exchange);
    if (verdict) verdict = co_await engine_.reach();
    if (verdict) verdict = co_await decide(exchange);
    if (verdict) verdict = place_socket(exchange.request);
    if (!verdict) note_audit_mode(exchange, verdict);
    shared_.audit.record(caller_, exchange.request, exchange.route ? exchange.route->pattern : "", verdict);
    if (!verdict) co_return co_await answer(exchange, verdict.error());
    // From here on the request is the guard's own, and is carried out.
    co_return co_await forward(exchange);
  }

  Judging<> read_request(Exchange& exchange) {
    auto text = co_await client_.read_head(kHeadTime);
    if (text && text->empty()) co_return Verdict<>();
    exchange.keep_alive = exchange.body_left = false;  // until the head is understood, nothing is
    if (!text)
      co_return std::unexpected(
          Refusal{text.error().code == ETIMEDOUT ? 408u : 400u, "malformed", text.error().message});
    auto head = http::parse_request(*text);
    if (!head) co_return malformed(head.error().message);
    exchange.head = std::move(*head);
    exchange.request.method = exchange.head.method;
    exchange.request.headers = exchange.head.headers;
    auto target = parse_target(exchange.head.target);
    if (!target) co_return std::unexpected(target.error());
    exchange.request.target = std::move(*target);
    exchange.body_left = exchange.head.body.framing != Framing::kNone;
    exchange.keep_alive = !exchange.head.headers.has_token("Connection", "close");
    auto route = find_route(exchange.request);
    if (!route) co_return std::unexpected(route.error());
    exchange.route = *route;
    if (auto allowed = judge_command(exchange); !allowed) co_return allowed;
    co_return check_content_type(exchange.head, **route);
  }

  // JSON bodies whole; those of streams stay where they are.
  Judging<> read_body(Exchange& exchange) {
    auto& request = exchange.request;
    const auto& route = *exchange.route;
    if (route.shape) request.body = json::Object();
    if (!exchange.body_left) co_return Verdict<>();
    if (http::same_name(exchange.head.headers.get("Expect"), "100-continue"))
      if (auto sent = co_await client_.write("HTTP/1.1 100 Continue\r\n\r\n"); !sent)
        co_return malformed(sent.error().message);
    if (route.kind == Kind::kStream && route.pattern == kArchive) co_return co_await check_archive(exchange);
    if (route.kind == Kind::kStream) co_return Verdict<>();
    auto limit = route.shape ? limits::kApiBodyBytes : kIgnoredBodyBytes;
    auto text = co_await client_.read_body(exchange.head.body, limit, kBodyTime);
    if (!text && text.error().code == EMSGSIZE)
      co_return std::unexpected(Refusal{413, "too-large", cat("the body is larger than ", limit, " bytes")});
    if (!text && text.error().code == ENOBUFS)
      co_return std::unexpected(Refusal{503, "busy", text.error().message});
    if (!text) co_return malformed(cat("the body: ", text.error().message));
    exchange.body_left = false;
    if (!route.shape || text->empty()) co_return Verdict<>();
    auto value = json::parse(*text);
    if (!value) co_return malformed(value.error().message);
    if (value->is_null()) co_return Verdict<>();  // what Go writes for no body
    auto shaped = into_shape(*value, *route.shape, request.notes);
    if (!shaped) co_return std::unexpected(shaped.error());
    for (auto& note : request.notes) note += ": left out, unknown";
    request.body = std::move(*shaped);
    exchange.has_body = true;
    co_return Verdict<>();
  }

  // Engines before 29.5.1 unpack what is compressed with the programs that they find in the container
  // (CVE-2026-41567). A tar that is none is theirs to refuse.
  Judging<> check_archive(const Exchange& exchange) {
    auto first = co_await client_.peek_body(exchange.head.body, kMagicBytes, kBodyTime);
    if (!first) co_return malformed(first.error().message);
    for (auto magic : kCompressed)
      if (first->starts_with(magic))
        co_return refuse("compressed-archive",
                         "a compressed archive is not taken here: the engine may unpack it "
                         "with the container's own programs; send a plain tar");
    co_return Verdict<>();
  }

  // Runs the route's rule until it has every fact that it asks for.
  Judging<> decide(Exchange& exchange) {
    if (!exchange.route->rule) co_return Verdict<>();
    auto environment = shared_.environment;  // of this request, whatever is reloaded meanwhile
    Facts facts(*environment);
    auto notes = exchange.request.notes;
    for (;;) {
      exchange.request.notes = notes;
      auto verdict = exchange.route->rule(exchange.request, facts);
      if (verdict || verdict.error().status != 0) co_return verdict;
      auto wanted = facts.wanted();
      Verdict<> taken;
      if (wanted.question) {
        taken = facts.answer(co_await shared_.registry.ask(*wanted.question));
      } else {
        auto fact = co_await engine_.ask(wanted.target);
        taken = fact ? facts.answer(std::move(*fact)) : std::unexpected(fact.error());
      }
      if (!taken) co_return taken;
    }
  }

  // The command list, for those who come by a container's socket.
  Verdict<> judge_command(const Exchange& exchange) const {
    if (!caller_.holder) return {};
    const auto& environment = *shared_.environment;
    const auto& list = policy::command_list_for(*environment.policy, caller_.holder->verified);
    auto pattern = std::string(exchange.route->pattern);
    if (pattern == "/images/create")
      pattern += exchange.request.target.query.get("fromImage").empty() ? "?fromSrc" : "?fromImage";
    if (policy::is_endpoint_allowed(list, exchange.route->method, pattern)) return {};
    return refuse("command-list",
                  policy::endpoint_blocked(list, exchange.route->method, pattern,
                                           shown_target(exchange.request.target), environment.settings_file));
  }

  // A container that may have the Docker socket gets its own, before the engine looks for it.
  Verdict<> place_socket(const Request& request) {
    if (!request.granted || !shared_.sockets) return {};
    auto opened = shared_.sockets->provide(*request.granted);
    if (opened) return {};
    return std::unexpected(
        Refusal{503, "socket-mount", cat("the container's docker socket: ", opened.error().message)});
  }

  // In audit mode what policy refuses is carried out all the same, and logged as what it would have been.
  void note_audit_mode(Exchange& exchange, Verdict<>& verdict) {
    bool audits = shared_.environment->policy->mode == policy::Mode::kAudit;
    if (!audits || verdict.error().status != 403 || !exchange.route) return;
    exchange.request.notes.push_back(
        cat("would be refused: ", verdict.error().rule, ": ", verdict.error().message));
    verdict = {};
  }

  asio::awaitable<bool> answer(const Exchange& exchange, const Refusal& refusal) {
    // What is left of a body cannot be told from the next request.
    bool keep_alive = exchange.keep_alive && !exchange.body_left;
    auto text = refusal_response(refusal, keep_alive);
    auto sent = co_await client_.write(text);
    if (sent && !keep_alive) co_await client_.linger(kLingerTime);
    co_return sent && keep_alive;
  }

  asio::awaitable<bool> fail_engine(const Exchange& exchange, std::string_view why) {
    Refusal refusal{502, "engine", cat("the engine gave no answer: ", why)};
    co_await answer(exchange, refusal);
    co_return false;
  }

  asio::awaitable<bool> forward(Exchange& exchange) {
    const auto& route = *exchange.route;
    auto body = exchange.head.body;
    if (route.kind != Kind::kStream) {
      bool send = exchange.has_body || (route.shape && !exchange.request.object().empty());
      if (send) exchange.body = json::serialize(exchange.request.body);
      body = send ? http::Body{Framing::kLength, exchange.body.size()} : http::Body{};
    }
    auto head = http::write_request(engine_head(exchange.request, route, body));
    auto sent = co_await engine_->write(head, exchange.body);
    if (!sent) co_return co_await fail_engine(exchange, sent.error().message);
    if (!exchange.body_left) co_return co_await relay_response(exchange);
    using asio::experimental::awaitable_operators::operator&&;
    auto [uploaded, keep] = co_await (upload(exchange) && relay_response(exchange));
    co_return uploaded && keep;
  }

  asio::awaitable<bool> upload(const Exchange& exchange) {
    auto framing = exchange.head.body.framing;
    auto done = co_await http::relay_body(client_, exchange.head.body, *engine_, framing);
    // An engine that stops reading has an answer for that; a client that stops sending gets none.
    if (!done && done.error().code != EPIPE) engine_->end_receiving();
    co_return done.has_value();
  }

  asio::awaitable<bool> relay_response(Exchange& exchange) {
    http::ResponseHead head;
    do {
      auto text = co_await engine_->read_head(kAnswerTime);
      auto parsed = text && !text->empty() ? http::parse_response(*text) : fail("it closed the connection");
      if (!parsed) {
        co_return co_await fail_engine(exchange, parsed.error().message);
      }
      head = std::move(*parsed);
    } while (head.status < 200 && head.status != 101);
    if (is_stream(exchange, head)) co_return co_await hijack(head);
    // What a client sent for a stream that did not come about is not to be read as requests.
    if (may_upgrade(*exchange.route)) exchange.keep_alive = false;
    if (exchange.request.method == "HEAD") head.body = {};
    // A body until the end of the connection gets chunks here, so that its end can be told from a loss.
    auto out = head.body.framing == Framing::kUntilClose ? Framing::kChunked : head.body.framing;
    auto text = http::write_response(client_head(head, out, exchange.keep_alive));
    if (auto sent = co_await client_.write(text); !sent) co_return false;
    auto done = co_await http::relay_body(*engine_, head.body, client_, out);
    bool engine_stays =
        head.body.framing != Framing::kUntilClose && !head.headers.has_token("Connection", "close");
    if (!engine_stays) engine_.reset();
    co_return done && exchange.keep_alive;
  }

  static bool is_stream(const Exchange& exchange, const http::ResponseHead& head) {
    if (!may_upgrade(*exchange.route)) return false;
    if (head.status == 101) return true;
    // Without Upgrade the engine answers 200 and goes raw all the same.
    return exchange.route->kind == Kind::kHijack && head.status == 200 &&
           head.body.framing == Framing::kUntilClose;
  }

  asio::awaitable<bool> hijack(const http::ResponseHead& head) {
    auto text = http::write_response(upgrade_head(head));
    if (auto sent = co_await client_.write(text); sent) co_await http::tunnel(client_, *engine_);
    co_return false;  // never back to HTTP: what follows was chosen by a container
  }

  Shared& shared_;
  http::Channel client_;
  EngineLink engine_;
  Caller caller_;
};

}  // namespace

asio::awaitable<void> serve(Shared& shared, http::Protocol::socket socket, Caller caller) {
  Connection connection(shared, std::move(socket), std::move(caller));
  co_await connection.serve();
}

}  // namespace bulkhead::guard
