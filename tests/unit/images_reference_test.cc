// G3: references as Docker completes them, and what an entry of the image list means.
#include "images/reference.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::images {
namespace {

const std::string kHex(64, 'a');
const std::string kDigest = cat("sha256:", kHex);

TEST(Reference, IsCompletedAsDockerDoes) {
  struct {
    std::string text, full, familiar;
  } cases[] = {
      {"docker", "docker.io/library/docker:latest", "docker:latest"},
      {"docker:cli", "docker.io/library/docker:cli", "docker:cli"},
      {"library/docker", "docker.io/library/docker:latest", "docker:latest"},
      {"docker.io/docker:cli", "docker.io/library/docker:cli", "docker:cli"},
      {"index.docker.io/docker", "docker.io/library/docker:latest", "docker:latest"},
      {"testcontainers/ryuk:0.14.0", "docker.io/testcontainers/ryuk:0.14.0",
       "testcontainers/ryuk:0.14.0"},
      {"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
      {"localhost/a", "localhost/a:latest", "localhost/a:latest"},
      {"localhost:5000/a/b:1", "localhost:5000/a/b:1", "localhost:5000/a/b:1"},
      {"LOCAL/a", "LOCAL/a:latest", "LOCAL/a:latest"},  // upper case is no Hub user: a host
      {"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"},
      {"a.b/c", "a.b/c:latest", "a.b/c:latest"},
      {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"},
      {"docker:5000", "docker.io/library/docker:5000", "docker:5000"},  // a tag, not a port
      {cat("docker@", kDigest), cat("docker.io/library/docker@", kDigest), cat("docker@", kDigest)},
      {cat("docker:cli@", kDigest), cat("docker.io/library/docker:cli@", kDigest),
       cat("docker:cli@", kDigest)},
      {"a__b/c-----d/e.f:V_1.0-x", "docker.io/a__b/c-----d/e.f:V_1.0-x", "a__b/c-----d/e.f:V_1.0-x"},
  };
  for (const auto& c : cases) {
    auto reference = parse_reference(c.text);
    ASSERT_TRUE(reference) << c.text << ": " << reference.error().message;
    EXPECT_EQ(reference->text(), c.full);
    EXPECT_EQ(reference->familiar(), c.familiar);
    EXPECT_EQ(*parse_reference(reference->text()), *reference);
    EXPECT_EQ(*parse_reference(reference->familiar()), *reference);
  }
}

TEST(Reference, Errors) {
  struct {
    std::string text, error;
  } cases[] = {
      {"", "no repository"},
      {":cli", "no repository"},
      {"Docker", "the repository must be lower case"},
      {"a b", "\"a b\" is no part of a repository's name"},
      {"a//b", "\"\" is no part of a repository's name"},
      {"a/", "\"\" is no part of a repository's name"},
      {"-a", "\"-a\" is no part of a repository's name"},
      {"a..b", "\"a..b\" is no part of a repository's name"},
      {"a___b", "\"a___b\" is no part of a repository's name"},
      {"a._b", "\"a._b\" is no part of a repository's name"},
      {"d\xc3\xb6" "cker", "\"d\xc3\xb6" "cker\" is no part of a repository's name"},
      {"docker:", "\"\" is no tag"},
      {"docker:.x", "\".x\" is no tag"},
      {"docker:a/b:", "\"\" is no tag"},
      {"docker:*", "\"*\" is no tag"},
      {"ci/*", "\"*\" is no part of a repository's name"},
      {cat("docker:", std::string(129, 'x')), cat("\"", std::string(129, 'x'), "\" is no tag")},
      {"docker@sha256:00", "\"sha256:00\" is no digest (sha256: and 64 hexadecimal digits)"},
      {"docker@md5:00", "\"md5:00\" is no digest (sha256: and 64 hexadecimal digits)"},
      {cat("docker@SHA256:", kHex),
       cat("\"SHA256:", kHex, "\" is no digest (sha256: and 64 hexadecimal digits)")},
      {kHex, "64 hexadecimal digits are an image's id, not a name"},
      {"-x.y/a", "\"-x.y\" is no registry (a host name, perhaps with a port)"},
      {"x.y:99999/a", "\"x.y:99999\" is no registry (a host name, perhaps with a port)"},
      {"x.y:0/a", "\"x.y:0\" is no registry (a host name, perhaps with a port)"},
      {"u:p@x.y/a", "\"x.y/a\" is no digest (sha256: and 64 hexadecimal digits)"},
      {"x.y/../a", "\"..\" is no part of a repository's name"},
      {"x%2ey/a", "\"x%2ey\" is no part of a repository's name"},
      {"https://x.y/a", "\"https:\" is no registry (a host name, perhaps with a port)"},
      {cat("x.y/", std::string(252, 'a')), "the repository has more than 255 characters"},
  };
  for (const auto& [text, error] : cases) {
    auto reference = parse_reference(text);
    ASSERT_FALSE(reference) << text << " is read as " << reference->text();
    EXPECT_EQ(reference.error().message, error) << text;
  }
  EXPECT_FALSE(parse_reference(std::string_view("a\0b", 3)));
}

TEST(Digest, IsExact) {
  EXPECT_TRUE(is_digest(kDigest));
  for (auto bad : {std::string(), kHex, cat(kDigest, "a"), cat("sha256:", std::string(64, 'A')),
                   cat("sha512:", kHex), cat("sha256:", std::string(63, 'a'), "g")})
    EXPECT_FALSE(is_digest(bad)) << bad;
}

bool matches(std::string_view pattern, std::string_view reference) {
  auto p = Pattern::parse(pattern);
  auto r = parse_reference(reference);
  EXPECT_TRUE(p) << pattern;
  EXPECT_TRUE(r) << reference;
  return p && r && p->matches(*r);
}

TEST(Pattern, ListsWhatItSays) {
  const std::string by_digest = cat("docker@", kDigest);
  struct {
    std::string pattern, reference;
    bool expected;
  } cases[] = {
      {"docker", "docker", true},
      {"docker", "docker:latest", true},
      {"docker", "docker:cli", false},
      {"docker", "evil.io/library/docker", false},
      {"docker:cli", "docker.io/library/docker:cli", true},
      {"docker:cli", "docker:clix", false},
      {"docker:cli", "mydocker:cli", false},
      {"docker:cli", by_digest, false},
      {"docker:*", "docker:anything", true},
      {"docker:*", by_digest, true},
      {"docker:*", "docker/compose:1", false},
      {"docker:24*", "docker:24-dind", true},
      {"docker:24*", "docker:24", true},
      {"docker:24*", "docker:23", false},
      {"docker:24*", by_digest, false},  // which tag had it?
      {"docker:*-cli*", "docker:24-cli-x", true},
      {by_digest, by_digest, true},
      {by_digest, "docker:cli", false},
      {by_digest, cat("docker:cli@", kDigest), true},
      {by_digest, cat("evil@", kDigest), false},
      {"testcontainers/*:*", "testcontainers/ryuk:1", true},
      {"testcontainers/*:*", "testcontainers/a/b:1", true},
      {"testcontainers/*:*", "testcontainersx/a:1", false},
      {"testcontainers/*", "testcontainers/ryuk:1", false},  // no tag: latest
      {"testcontainers/*", "testcontainers/ryuk", true},
      {"reg.io/ci/*:*", "reg.io/ci/a:1", true},
      {"reg.io/ci/*:*", "reg.io/ci:1", false},
      {"reg.io/ci/*:*", "reg.io.evil/ci/a:1", false},
      {"reg.io/ci/*:*", "ci/a:1", false},
      {"reg.io/ci-*/tool:*", "reg.io/ci-a/tool:1", true},
      {"reg.io/ci-*/tool:*", "reg.io/ci-a/b/tool:1", false},
      {"reg.io/ci-*:*", "reg.io/ci-a/b:1", false},
      {"reg.io/*/tool:*", "reg.io/a/tool:1", true},
      {"*:*", "docker:1", true},  // official images: "*" is completed like any name
      {"*:*", "a/b:1", false},
      {"*:*", "evil.io/library/docker:1", false},
      {"*", "evil.io/a:1", true},
      {"*", by_digest, true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(matches(c.pattern, c.reference), c.expected) << c.pattern << " " << c.reference;
}

TEST(Pattern, ManyStarsCostNothing) {
  std::string pattern = "a/", path = "a/";
  for (int i = 0; i < 60; ++i) pattern += "a*";
  path += std::string(200, 'a') + "b";
  EXPECT_FALSE(matches(pattern + "c:*", path));
}

TEST(Pattern, Errors) {
  for (auto bad : {"", "**", "a/**", "a:**", "*.io/a", "*:5000/a", "a b", "A/*/B", "docker:", "/a"})
    EXPECT_FALSE(Pattern::parse(bad)) << bad;
  EXPECT_EQ(Pattern::parse(cat("ci/*@", kDigest)).error().message,
            "a digest and a wildcard exclude each other");
}

TEST(Pattern, KnowsWhatCanBeAskedAhead) {
  EXPECT_TRUE(Pattern::parse("docker")->is_exact());
  EXPECT_TRUE(Pattern::parse(cat("docker@", kDigest))->is_exact());
  for (auto wild : {"*", "docker:*", "ci/*", "ci/a*b:1"}) EXPECT_FALSE(Pattern::parse(wild)->is_exact()) << wild;
}

}  // namespace
}  // namespace bulkhead::images
