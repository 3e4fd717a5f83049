#include "guard/forward.h"

#include <algorithm>

#include "base/strings.h"
#include "json/write.h"

namespace bulkhead::guard {
namespace {

using http::Framing;

// Headers of a client that an engine reads. Anything else stays here.
constexpr std::string_view kPassed[] = {"User-Agent", "X-Registry-Auth", "X-Registry-Config", "Accept",
                                        "Traceparent", "Tracestate", "Baggage"};
constexpr std::string_view kWebSocket[] = {"Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                           "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin"};
constexpr std::string_view kSession[] = {"X-Docker-Expose-Session-Uuid", "X-Docker-Expose-Session-Name",
                                         "X-Docker-Expose-Session-Sharedkey"};
constexpr std::string_view kSessionMethod = "X-Docker-Expose-Session-Grpc-Method";  // given many times

// About one connection, not about the message.
constexpr std::string_view kHopByHop[] = {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding",
                                          "Content-Length", "TE", "Trailer", "Upgrade", "HTTP2-Settings"};

void pass(const http::Headers& from, std::span<const std::string_view> names, http::Headers& to) {
  for (auto name : names)
    if (const auto* value = from.find(name)) to.add(name, *value);
}

void add_framing(http::Headers& headers, http::Body body) {
  if (body.framing == Framing::kChunked) headers.add("Transfer-Encoding", "chunked");
  if (body.framing == Framing::kLength) headers.add("Content-Length", std::to_string(body.length));
}

void add_upgrade(const Request& request, const Route& route, http::Headers& headers) {
  if (!request.headers.has_token("Connection", "upgrade")) return;
  std::string_view protocol = route.kind == Kind::kHijack      ? "tcp"
                              : route.kind == Kind::kWebSocket ? "websocket"
                                                               : "h2c";
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", protocol);
  if (route.kind == Kind::kWebSocket) pass(request.headers, kWebSocket, headers);
  if (route.kind != Kind::kUpgrade) return;
  pass(request.headers, kSession, headers);
  for (const auto& [name, value] : request.headers.list())
    if (http::same_name(name, kSessionMethod)) headers.add(kSessionMethod, value);
}

// What clients negotiate by: no newer version than the tables of this guard know.
std::string offered_version(const std::string& of_engine) {
  constexpr std::string_view kMajor = "1.";
  auto minor =
      of_engine.starts_with(kMajor) ? parse_decimal<unsigned>(of_engine.substr(kMajor.size())) : std::nullopt;
  return minor && *minor > kMaxApiMinor ? cat(kMajor, kMaxApiMinor) : of_engine;
}

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 408: return "Request Timeout";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

}  // namespace

http::RequestHead engine_head(const Request& request, const Route& route, http::Body body) {
  http::RequestHead head{request.method, request.target.text(), {}, body};
  head.headers.add("Host", "docker");
  pass(request.headers, kPassed, head.headers);
  if (may_upgrade(route)) add_upgrade(request, route, head.headers);
  if (body.framing != Framing::kNone)
    head.headers.add("Content-Type", route.kind == Kind::kStream ? "application/x-tar" : "application/json");
  else if (request.method == "POST" || request.method == "PUT")
    head.headers.add("Content-Length", "0");
  add_framing(head.headers, body);
  return head;
}

http::RequestHead question_head(std::string_view target) {
  http::RequestHead head{"GET", std::string(target), {}, {}};
  head.headers.add("Host", "docker");
  head.headers.add("User-Agent", "bulkhead-guard");
  return head;
}

http::ResponseHead client_head(const http::ResponseHead& head, Framing out, bool keep_alive) {
  http::ResponseHead copy{head.status, head.reason, {}, {out, head.body.length}};
  for (const auto& [name, value] : head.headers.list())
    if (std::ranges::none_of(kHopByHop, [&](auto hop) { return http::same_name(hop, name); }))
      copy.headers.add(name, http::same_name(name, "Api-Version") ? offered_version(value) : value);
  if (out == Framing::kNone && head.headers.find("Content-Length"))
    copy.headers.add("Content-Length", head.headers.get("Content-Length"));  // of a HEAD, or 0
  add_framing(copy.headers, copy.body);
  if (!keep_alive) copy.headers.add("Connection", "close");
  return copy;
}

http::ResponseHead upgrade_head(const http::ResponseHead& head) {
  http::ResponseHead copy{head.status, head.reason, {}, {}};
  for (const auto& [name, value] : head.headers.list())
    if (!http::same_name(name, "Keep-Alive")) copy.headers.add(name, value);
  return copy;
}

std::string refusal_response(const Refusal& refusal, bool keep_alive) {
  json::Writer writer;
  auto body =
      std::move(writer.begin_object().field("message", refusal.message).end_object()).take().append("\n");
  http::ResponseHead head{refusal.status, std::string(reason_of(refusal.status)), {}, {}};
  head.headers.add("Content-Type", "application/json");
  head.headers.add("Server", "bulkhead-guard");
  head.headers.add("Content-Length", std::to_string(body.size()));
  if (!keep_alive) head.headers.add("Connection", "close");
  return http::write_response(head) + body;
}

Verdict<> check_content_type(const http::RequestHead& head, const Route& route) {
  if (head.headers.count("Content-Type") > 1) return malformed("more than one Content-Type");
  auto given = head.headers.get("Content-Type");
  std::string type(trim(std::string_view(given).substr(0, given.find(';'))));
  for (auto& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto wrong = [&](std::string_view expected) {
    return std::unexpected(
        Refusal{415, "content-type", cat("Content-Type \"", type, "\": must be ", expected)});
  };
  if (type.starts_with("multipart/") || type == "application/x-www-form-urlencoded")
    return wrong("that of the body: a form is none of this API's, and would override the query");
  bool has_body = head.body.framing != Framing::kNone;
  if (has_body && route.shape && type != "application/json") return wrong("application/json");
  constexpr std::string_view kStreams[] = {"",
                                           "application/x-tar",
                                           "application/tar",
                                           "application/octet-stream",
                                           "application/gzip",
                                           "application/x-gzip",
                                           "text/plain",
                                           "application/json"};
  if (has_body && route.kind == Kind::kStream && std::ranges::find(kStreams, type) == std::end(kStreams))
    return wrong("application/x-tar");
  return {};
}

}  // namespace bulkhead::guard
