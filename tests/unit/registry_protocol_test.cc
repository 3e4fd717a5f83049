// The frames between guard and registry process, and the pin file.
#include "registry/protocol.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "base/strings.h"
#include "registry/cache.h"

namespace bulkhead::registry {
namespace {

using ::testing::ElementsAre;

std::string digest(char c) { return cat("sha256:", std::string(64, c)); }

Served docker_cli() {
  return {.reference = *images::parse_reference("docker:cli"),
          .digest = digest('a'),
          .manifests = {{digest('b'), digest('c'), "linux", "amd64", ""}, {digest('d'), "", "linux", "arm", "v7"}},
          .verified_at = 1790000000,
          .source = "registry"};
}

// The one frame in `bytes`.
std::string only_frame(std::string_view bytes) {
  FrameReader frames(limits::kRegistryFrameBytes);
  frames.feed(bytes);
  auto text = frames.take();
  EXPECT_TRUE(text && *text);
  EXPECT_EQ(*frames.take(), std::nullopt) << "nothing follows";
  return text && *text ? **text : std::string();
}

TEST(Protocol, Requests) {
  Request request{.id = 7, .reference = *images::parse_reference("docker:cli"), .cached_only = true};
  FrameReader frames(1000);
  frames.feed(encode(request));
  auto text = frames.take();
  ASSERT_TRUE(text && *text);
  EXPECT_EQ(**text, R"({"id":7,"reference":"docker.io/library/docker:cli","cachedOnly":true})");
  auto read = decode_request(**text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 7u);
  EXPECT_EQ(read->reference, request.reference);
  EXPECT_TRUE(read->cached_only);
  for (auto bad : {"", "{}", R"({"id":-1,"reference":"a"})", R"({"id":1,"reference":"A"})", R"({"id":1})",
                   R"({"id":1,"reference":"a","more":1})", R"({"id":1,"reference":"*"})"})
    EXPECT_FALSE(decode_request(bad)) << bad;
}

TEST(Protocol, Responses) {
  FrameReader frames(limits::kRegistryFrameBytes);
  frames.feed(encode(Response{1, docker_cli()}));
  frames.feed(encode(Response{2, fail("a \"reason\""), Failure::kGone}));
  auto served = decode_response(**frames.take());
  ASSERT_TRUE(served && served->served);
  EXPECT_EQ(served->id, 1u);
  EXPECT_EQ(served->served->reference, docker_cli().reference);
  EXPECT_EQ(served->served->verified_at, 1790000000);
  EXPECT_THAT(image_ids(*served->served), ElementsAre(digest('a'), digest('b'), digest('c'), digest('d')));
  auto failed = decode_response(**frames.take());
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->id, 2u);
  EXPECT_EQ(failed->served.error().message, "a \"reason\"");
  EXPECT_EQ(failed->failure, Failure::kGone);
  EXPECT_EQ(*frames.take(), std::nullopt);
  for (auto bad : {"{}", R"({"id":1})", R"({"id":1,"error":""})", R"({"id":1,"error":"x","kind":"maybe"})",
                   R"({"id":1,"served":{}})", R"({"id":1,"served":null})"})
    EXPECT_FALSE(decode_response(bad)) << bad;
}

TEST(Protocol, LongAnswersBecomeErrors) {
  Response response{1, fail(std::string(100000, 'x'))};
  EXPECT_EQ(decode_response(only_frame(encode(response)))->served.error().message.size(),
            limits::kRegistryMessageBytes);
}

TEST(Frames, InAnyPieces) {
  std::string bytes = encode(Response{1, docker_cli()}) + encode(Response{2, fail("x")});
  for (std::size_t step : {1u, 2u, 3u, 5u, 100u, 4096u}) {
    FrameReader frames(limits::kRegistryFrameBytes);
    std::vector<std::uint64_t> ids;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      frames.feed(std::string_view(bytes).substr(at, step));
      while (auto text = *frames.take()) ids.push_back(decode_response(*text)->id);
    }
    EXPECT_THAT(ids, ElementsAre(1, 2)) << step;
  }
}

TEST(Frames, OverTheLimit) {
  FrameReader frames(100);
  frames.feed(std::string_view("\0\0\0\x65", 4));
  EXPECT_EQ(frames.take().error().message, "a frame of 101 bytes, more than the limit of 100");
  FrameReader huge(100);
  huge.feed("\xff\xff\xff\xff");
  EXPECT_FALSE(huge.take());
}

TEST(Pins, AreServed) {
  auto pins = read_pins(cat(R"({"images":[{"reference":"docker:cli","manifests":[{"config":")", digest('c'),
                            R"("}]}]})"));
  ASSERT_TRUE(pins) << pins.error().message;
  EXPECT_THAT(image_ids(pins->at("docker.io/library/docker:cli")), ElementsAre(digest('c')));
  EXPECT_EQ(pins->begin()->second.source, "pin");
}

TEST(Pins, Errors) {
  struct {
    std::string text, error;
  } cases[] = {
      {"{}", "images: is missing"},
      {R"({"images":[],"more":1})", "more: unknown key"},
      {R"({"images":[{}]})", "images[0]: reference: is missing"},
      {R"({"images":[{"reference":"A"}]})", "images[0]: reference: the repository must be lower case"},
      {R"({"images":[{"reference":"a"}]})", "images[0]: expected a \"digest\" or \"manifests\""},
      {R"({"images":[{"reference":"a","manifests":[{"os":"linux"}]}]})",
       "images[0]: manifests[0]: expected a \"digest\" or a \"config\""},
      {R"({"images":[{"reference":"a","digest":"latest"}]})",
       "images[0]: digest: is no digest (sha256: and 64 hexadecimal digits)"},
      {cat(R"({"images":[{"reference":"a","digest":")", digest('a'), R"("},{"reference":"docker.io/a","digest":")",
           digest('b'), R"("}]})"),
       "images: \"docker.io/library/a:latest\" is there twice"},
      {cat(R"({"images":[{"reference":"a@)", digest('a'), R"(","digest":")", digest('b'), R"("}]})"),
       "images[0]: digest: differs from the one in the reference"},
  };
  for (const auto& c : cases) {
    auto pins = read_pins(c.text);
    ASSERT_FALSE(pins) << c.text;
    EXPECT_EQ(pins.error().message, c.error);
  }
}

}  // namespace
}  // namespace bulkhead::registry
