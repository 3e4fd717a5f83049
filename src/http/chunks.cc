#include "http/chunks.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "base/strings.h"

namespace bulkhead::http {

namespace beast = boost::beast::http;
using Text = boost::beast::string_view;
using ParseError = boost::beast::error_code;

// Beast's parser behind a head of our own, so that only chunks are left for it to parse.
class BodyReader::Chunks : public beast::basic_parser<true> {
 public:
  Chunks() {
    body_limit(boost::none);
    constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    ParseError error;
    put(boost::asio::const_buffer(kHead.data(), kHead.size()), error);
    in_body_ = true;
  }

  Pieces* payload = nullptr;
  bool started = false;

 private:
  void on_request_impl(beast::verb, Text, Text, int, ParseError&) override {}
  void on_response_impl(int, Text, int, ParseError&) override {}
  void on_field_impl(beast::field, Text, Text, ParseError& error) override {
    if (in_body_) error = beast::error::bad_field;  // a trailer
  }
  void on_header_impl(ParseError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ParseError&) override {}
  std::size_t on_body_impl(Text, ParseError&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text extensions, ParseError& error) override {
    if (!extensions.empty()) error = beast::error::bad_chunk_extension;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ParseError&) override {
    payload->emplace_back(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(ParseError&) override {}

  bool in_body_ = false;
};

BodyReader::BodyReader(Body body) : body_(body), left_(body.length) {
  if (body.framing == Framing::kChunked) chunks_ = std::make_unique<Chunks>();
}
BodyReader::BodyReader(BodyReader&&) noexcept = default;
BodyReader& BodyReader::operator=(BodyReader&&) noexcept = default;
BodyReader::~BodyReader() = default;

Result<std::size_t> BodyReader::take(std::string_view input, Pieces& payload) {
  if (done()) return 0;
  if (!chunks_) {
    auto size = body_.framing == Framing::kUntilClose
                    ? input.size()
                    : static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    if (size > 0) payload.push_back(input.substr(0, size));
    if (body_.framing == Framing::kLength) left_ -= size;
    return size;
  }
  // Beast 1.81 asserts, in the middle of a last chunk that is also the first, that 5 bytes are there.
  if (!chunks_->started && input.size() < kLastChunk.size()) return 0;
  chunks_->started = true;
  chunks_->payload = &payload;
  std::size_t used = 0;
  while (used < input.size() && !chunks_->is_done()) {
    ParseError error;
    used += chunks_->put(boost::asio::const_buffer(input.data() + used, input.size() - used), error);
    if (error == beast::error::need_more) break;
    if (error) return fail(cat("malformed chunked body: ", error.message()));
  }
  return used;
}

Result<> BodyReader::finish() {
  if (done()) return {};
  if (body_.framing != Framing::kUntilClose) return fail("the connection ended within the body");
  ended_ = true;
  return {};
}

bool BodyReader::done() const {
  switch (body_.framing) {
    case Framing::kNone: return true;
    case Framing::kLength: return left_ == 0;
    case Framing::kChunked: return chunks_->is_done();
    case Framing::kUntilClose: return ended_;
  }
  return true;
}

std::string chunk_header(std::size_t size) {
  char digits[16];
  auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
  return std::string(digits, end).append("\r\n");
}

}  // namespace bulkhead::http
