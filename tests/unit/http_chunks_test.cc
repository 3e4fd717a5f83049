// Bodies in pieces of every size.
#include <gtest/gtest.h>

#include "http/chunks.h"

namespace bulkhead::http {
namespace {

// Feeds `wire` in pieces of `step` bytes as a channel does; what is left over comes to `rest`.
Result<std::string> decode(Body body, std::string_view wire, std::size_t step, std::string* rest = nullptr) {
  BodyReader reader(body);
  std::string input, payload;
  Pieces pieces;
  while (!reader.done() && !wire.empty()) {
    input += wire.substr(0, step);
    wire.remove_prefix(std::min(step, wire.size()));
    pieces.clear();
    auto used = TRY(reader.take(input, pieces));
    for (auto piece : pieces) payload += piece;
    input.erase(0, used);
  }
  if (!reader.done()) TRY(reader.finish());
  if (rest) *rest = input.append(wire);
  return payload;
}

TEST(HttpChunks, EveryCutGivesTheSamePayload) {
  std::string wire = "5\r\nhello\r\n1\r\n \r\n0b\r\nchunked one\r\n0\r\n\r\nGET /next";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    std::string rest;
    auto payload = decode({Framing::kChunked, 0}, wire, step, &rest);
    ASSERT_TRUE(payload) << step << ": " << payload.error().message;
    EXPECT_EQ(*payload, "hello chunked one");
    EXPECT_EQ(rest, "GET /next");
  }
}

TEST(HttpChunks, AnEmptyBodyByteByByte) {
  for (std::size_t step = 1; step < 6; ++step) EXPECT_EQ(*decode({Framing::kChunked, 0}, "0\r\n\r\n", step), "");
}

TEST(HttpChunks, MalformedOnesAreErrors) {
  for (std::string_view wire : {"5;ext=1\r\nhello\r\n0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n", "x\r\n", "-1\r\nab",
                                "5\r\nhelloXX0\r\n\r\n", "11111111111111111\r\n", "5\nhello\n0\n\n", "0x5\r\nhello\r\n0\r\n\r\n"})
    for (std::size_t step : {std::size_t{1}, wire.size()})
      EXPECT_FALSE(decode({Framing::kChunked, 0}, wire, step)) << wire;
}

TEST(HttpChunks, AnEndTooEarlyIsAnError) {
  EXPECT_FALSE(decode({Framing::kChunked, 0}, "5\r\nhel", 3));
  EXPECT_FALSE(decode({Framing::kLength, 9}, "short", 3));
  EXPECT_EQ(*decode({Framing::kUntilClose, 0}, "all of it", 4), "all of it");
}

TEST(HttpChunks, LengthsLeaveTheNextMessageAlone) {
  std::string rest;
  EXPECT_EQ(*decode({Framing::kLength, 4}, "bodyGET /", 3, &rest), "body");
  EXPECT_EQ(rest, "GET /");
}

TEST(HttpChunks, Headers) { EXPECT_EQ(chunk_header(0x1f), "1f\r\n"); }

}  // namespace
}  // namespace bulkhead::http
