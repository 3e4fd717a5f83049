// HTTP heads: what is read, and what must be refused because another parser could read it otherwise.
#include <gtest/gtest.h>

#include "http/message.h"

namespace bulkhead::http {
namespace {

TEST(HttpMessage, ReadsARequest) {
  auto head = parse_request("POST /v1.41/containers/create?name=a HTTP/1.1\r\nHost: docker\r\n"
                            "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n");
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/v1.41/containers/create?name=a");
  EXPECT_EQ(head->headers.get("content-type"), "application/json");
  EXPECT_EQ(head->body.framing, Framing::kLength);
  EXPECT_EQ(head->body.length, 12u);
}

TEST(HttpMessage, FramingOfRequests) {
  auto framing = [](std::string_view headers) {
    auto head = parse_request(std::string("POST / HTTP/1.1\r\n").append(headers).append("\r\n"));
    return head ? head->body.framing : Framing::kUntilClose;
  };
  EXPECT_EQ(framing(""), Framing::kNone);
  EXPECT_EQ(framing("Content-Length: 0\r\n"), Framing::kNone);
  EXPECT_EQ(framing("Transfer-Encoding: Chunked\r\n"), Framing::kChunked);
}

// CVE-2024-41110 and its kind: a proxy that finds another body than the engine.
TEST(HttpMessage, RefusesWhatTwoParsersReadDifferently) {
  for (std::string_view headers :
       {"Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: +5\r\n", "Content-Length: -0\r\n",
        "Content-Length: 5 5\r\n", "Content-Length: 0x5\r\n", "Content-Length: 99999999999999999999\r\n",
        "Content-Length:\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n", "X: a\r\n folded\r\n", "X: a\n", "X: a\rb\r\n",
        "X: \x01\r\n", "X: \xc3\xa9\r\n", "Host: a\r\nHost: b\r\n", " X: a\r\n", "X\r\n", ": a\r\n"})
    EXPECT_FALSE(parse_request(std::string("POST / HTTP/1.1\r\n").append(headers).append("\r\n"))) << headers;
}

TEST(HttpMessage, RefusesOtherVersionsAndForms) {
  for (std::string_view line : {"GET / HTTP/1.0", "GET / HTTP/2.0", "PRI * HTTP/2.0", "GET /", "GET  / HTTP/1.1",
                                "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / http/1.1", "G@T / HTTP/1.1\x7f"})
    EXPECT_FALSE(parse_request(std::string(line).append("\r\n\r\n"))) << line;
}

TEST(HttpMessage, LimitsTheNumberOfHeaders) {
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) head += "X: a\r\n";
  EXPECT_FALSE(parse_request(head + "\r\n"));
}

TEST(HttpMessage, ReadsResponses) {
  auto upgrade = parse_response("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->reason, "UPGRADED");
  EXPECT_EQ(upgrade->body.framing, Framing::kNone);
  auto raw = parse_response("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n");
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->body.framing, Framing::kUntilClose);
  EXPECT_EQ(parse_response("HTTP/1.1 204 No Content\r\n\r\n")->body.framing, Framing::kNone);
}

TEST(HttpMessage, HeadEndsAtTheBlankLine) {
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\n\r\nrest"), 18u);
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\n"), 0u);
}

TEST(HttpMessage, WritesWhatItReads) {
  std::string text = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
  EXPECT_EQ(write_request(*parse_request(text)), text);
}

TEST(HttpMessage, TokensInLists) {
  auto head = parse_request("GET / HTTP/1.1\r\nConnection: keep-alive, UPGRADE\r\n\r\n");
  EXPECT_TRUE(head->headers.has_token("connection", "upgrade"));
  EXPECT_FALSE(head->headers.has_token("connection", "close"));
}

}  // namespace
}  // namespace bulkhead::http
