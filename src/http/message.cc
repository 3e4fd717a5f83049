#include "http/message.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::http {
namespace {

namespace beast = boost::beast::http;
using Text = boost::beast::string_view;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view view(Text text) { return {text.data(), text.size()}; }

// Collects what Beast finds in a head.
template <bool kIsRequest>
class HeadParser : public beast::basic_parser<kIsRequest> {
 public:
  using Error = boost::beast::error_code;
  std::string method, target, reason;
  unsigned status = 0;
  int version = 0;
  Headers headers;

 private:
  void on_request_impl(beast::verb, Text name, Text target_text, int number, Error&) override {
    method = view(name);
    target = view(target_text);
    version = number;
  }
  void on_response_impl(int code, Text text, int number, Error&) override {
    status = static_cast<unsigned>(code);
    reason = view(text);
    version = number;
  }
  void on_field_impl(beast::field, Text name, Text value, Error& error) override {
    if (headers.list().size() >= limits::kHttpHeaders) error = beast::error::header_limit;
    headers.add(view(name), view(value));
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Error&) override { return 0; }
  void on_finish_impl(Error&) override {}
};

// What a parser in between could read otherwise, judged on the raw bytes.
Result<> check_bytes(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r' && i + 1 < head.size() && head[i + 1] == '\n') {
      ++i;
      if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
        return fail("a header is folded over two lines");
    } else if ((c < 0x20 && c != '\t') || c >= 0x7f) {
      return fail("a control or non-ASCII byte in the head (line ends must be CR LF)");
    }
  }
  return {};
}

Result<Body> find_framing(const Headers& headers, Body when_absent) {
  auto lengths = headers.count("Content-Length"), codings = headers.count("Transfer-Encoding");
  if (lengths > 1 || codings > 1 || (lengths && codings))
    return fail("more than one of Content-Length and Transfer-Encoding");
  if (codings) {
    if (!same_name(headers.get("Transfer-Encoding"), "chunked"))
      return fail("a Transfer-Encoding other than \"chunked\"");
    return Body{Framing::kChunked, 0};
  }
  if (!lengths) return when_absent;
  auto length = parse_decimal<std::int64_t>(headers.get("Content-Length"));
  if (!length || *length < 0 || headers.get("Content-Length").front() == '-')
    return fail("a malformed Content-Length");
  return Body{*length ? Framing::kLength : Framing::kNone, static_cast<std::uint64_t>(*length)};
}

template <bool kIsRequest>
Result<> run(HeadParser<kIsRequest>& parser, std::string_view head) {
  TRY(check_bytes(head));
  parser.header_limit(static_cast<std::uint32_t>(limits::kHttpHeadBytes));
  parser.body_limit(boost::none);
  typename HeadParser<kIsRequest>::Error error;
  auto used = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error) return fail(cat("malformed HTTP head: ", error.message()));
  if (!parser.is_header_done() || used != head.size()) return fail("malformed HTTP head");
  if (parser.version != 11) return fail("only HTTP/1.1 is spoken here");
  return {};
}

void write_headers(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers.list())
    out.append(name).append(": ").append(value).append("\r\n");
  out.append("\r\n");
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Headers::find(std::string_view name) const {
  for (const auto& header : list_)
    if (same_name(header.name, name)) return &header.value;
  return nullptr;
}

std::string Headers::get(std::string_view name) const {
  const auto* value = find(name);
  return value ? *value : std::string();
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(list_, [&](const Header& h) { return same_name(h.name, name); }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const auto& header : list_)
    if (same_name(header.name, name))
      for (auto word : split(header.value, ','))
        if (same_name(trim(word), token)) return true;
  return false;
}

std::size_t head_length(std::string_view bytes) {
  auto end = bytes.find("\r\n\r\n");
  return end == bytes.npos ? 0 : end + 4;
}

Result<RequestHead> parse_request(std::string_view head) {
  HeadParser<true> parser;
  TRY(run(parser, head));
  RequestHead out{std::move(parser.method), std::move(parser.target), std::move(parser.headers), {}};
  if (out.headers.count("Host") > 1) return fail("more than one Host");
  out.body = TRY(find_framing(out.headers, {}));
  return out;
}

Result<ResponseHead> parse_response(std::string_view head) {
  HeadParser<false> parser;
  TRY(run(parser, head));
  ResponseHead out{parser.status, std::move(parser.reason), std::move(parser.headers), {}};
  if (out.status < 100) return fail("malformed HTTP head: status");
  bool never_has_body = out.status < 200 || out.status == 204 || out.status == 304;
  out.body = TRY(find_framing(
      out.headers, {never_has_body ? Framing::kNone : Framing::kUntilClose, 0}));
  if (never_has_body) out.body = {};
  return out;
}

bool is_safe_value(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

std::string write_request(const RequestHead& head) {
  std::string out = cat(head.method, " ", head.target, " HTTP/1.1\r\n");
  write_headers(out, head.headers);
  return out;
}

std::string write_response(const ResponseHead& head) {
  std::string out = cat("HTTP/1.1 ", head.status, " ", head.reason, "\r\n");
  write_headers(out, head.headers);
  return out;
}

}  // namespace bulkhead::http
