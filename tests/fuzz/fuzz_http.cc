// HTTP heads and chunked bodies. A head that is taken can be written and read again with the same
// framing; a chunked body decodes to the same however it is cut.
#include <string>
#include <string_view>

#include "fuzz.h"
#include "http/chunks.h"
#include "http/message.h"

namespace {

using namespace bulkhead;

void check_heads(std::string_view text) {
  if (auto head = http::parse_request(text)) {
    auto again = http::parse_request(http::write_request(*head));
    FUZZ_CHECK(again && again->method == head->method && again->target == head->target);
    FUZZ_CHECK(again->body.framing == head->body.framing && again->body.length == head->body.length);
    FUZZ_CHECK(again->headers.list().size() == head->headers.list().size());
    for (const auto& [name, value] : head->headers.list())
      FUZZ_CHECK(http::is_safe_value(name) && http::is_safe_value(value));
  }
  if (auto head = http::parse_response(text)) FUZZ_CHECK(head->status >= 100 && head->status <= 999);
}

struct Decoded {
  bool good = false, done = false;
  std::string payload, rest;
};

Decoded decode(std::string_view wire, std::size_t step) {
  http::BodyReader reader({http::Framing::kChunked, 0});
  Decoded out;
  std::string input;
  http::Pieces pieces;
  for (; !reader.done() && !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    input += wire.substr(0, step);
    pieces.clear();
    auto used = reader.take(input, pieces);
    if (!used) return out;
    for (auto piece : pieces) out.payload += piece;
    input.erase(0, *used);
  }
  out.good = true;
  out.done = reader.done();
  out.rest = input.append(wire);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_heads(text);
  auto whole = decode(text, text.size() + 1);
  for (std::size_t step : {1, 2, 3, 7}) {
    auto pieces = decode(text, step);
    FUZZ_CHECK(pieces.done == whole.done);
    if (whole.done) FUZZ_CHECK(pieces.payload == whole.payload && pieces.rest == whole.rest);
  }
  return 0;
}
