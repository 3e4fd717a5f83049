// HTTP/1.1 messages as plain values, parsed and written strictly. Beast does the parsing and stays
// behind message.cc and chunks.cc. What two parsers could read differently is an error here: request
// smuggling is a difference between a proxy's framing and the server's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead::http {

struct Header {
  std::string name, value;
};

class Headers {
 public:
  void add(std::string_view name, std::string_view value) {
    list_.push_back({std::string(name), std::string(value)});
  }
  // The first of that name (ASCII letters in either case); nullptr: none.
  const std::string* find(std::string_view name) const;
  std::string get(std::string_view name) const;  // "" when there is none
  std::size_t count(std::string_view name) const;
  // Whether `token` is in the comma-separated list of any header `name`, in either case.
  bool has_token(std::string_view name, std::string_view token) const;
  const std::vector<Header>& list() const { return list_; }

 private:
  std::vector<Header> list_;
};

enum class Framing {
  kNone,
  kLength,
  kChunked,
  kUntilClose,  // responses only
};

struct Body {
  Framing framing = Framing::kNone;
  std::uint64_t length = 0;  // kLength: bytes
};

struct RequestHead {
  std::string method, target;  // the target as sent: path and query
  Headers headers;
  Body body;
};

struct ResponseHead {
  unsigned status = 0;
  std::string reason;
  Headers headers;
  Body body;  // as if for a GET: who asked by HEAD knows that there is none
};

// The length of the head at the start of `bytes`, its blank line included; 0: not complete yet.
std::size_t head_length(std::string_view bytes);

// A complete head. Refused: HTTP/1.0 and 2, line ends other than CR LF, folded lines, control and
// non-ASCII bytes, blanks before a colon, more than one or a malformed Content-Length, one beside
// Transfer-Encoding, any transfer coding other than "chunked", more than limits::kHttpHeaders.
Result<RequestHead> parse_request(std::string_view head);
Result<ResponseHead> parse_response(std::string_view head);

// Whether a head of ours may end up beside others: no CR, LF or NUL in it.
bool is_safe_value(std::string_view text);

std::string write_request(const RequestHead& head);
std::string write_response(const ResponseHead& head);

// Names ASCII-insensitively.
bool same_name(std::string_view a, std::string_view b);

}  // namespace bulkhead::http
