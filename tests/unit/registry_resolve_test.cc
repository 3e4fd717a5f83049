// How registries are asked: what is sent where, and what is believed. No network: Send is a table.
#include "registry/resolve.h"

#include <gmock/gmock.h>

#include <map>

#include "base/strings.h"
#include "registry/manifest.h"

namespace bulkhead::registry {
namespace {

using ::testing::ElementsAre;

constexpr char kManifest[] = "application/vnd.oci.image.manifest.v1+json";
constexpr char kIndex[] = "application/vnd.oci.image.index.v1+json";
constexpr std::int64_t kNow = 1790000000;

std::string digest(char c) { return cat("sha256:", std::string(64, c)); }

std::string manifest_of(char config) {
  return cat(R"({"schemaVersion":2,"config":{"mediaType":"x","digest":")", digest(config),
             R"(","size":1},"layers":[]})");
}

std::string entry(const std::string& manifest, std::string_view platform) {
  return cat(R"({"mediaType":")", kManifest, R"(","digest":")", digest_of(manifest), R"(","size":1)",
             platform.empty() ? "" : ",\"platform\":", platform, "}");
}

// A network of URLs; what is not in it refuses the connection. Remembers what was asked.
struct Network {
  std::map<std::string, HttpResponse> answers;  // "GET https://..." or "HEAD ..."
  std::vector<std::string> asked;

  Send send() {
    return [this](const HttpRequest& request) -> Result<HttpResponse> {
      std::string line = cat(request.head_only ? "HEAD " : "GET ", request.url.text(),
                             request.authorization.empty() ? "" : " ", request.authorization);
      asked.push_back(line);
      auto found = answers.find(line);
      if (found == answers.end()) return fail(cat(request.url.host, ": refused"));
      return found->second;
    };
  }
  void serve(const std::string& url, std::string body, std::string type = kManifest) {
    HttpResponse response{.status = 200, .content_type = std::move(type), .body = std::move(body)};
    response.docker_digest = digest_of(response.body);
    answers["HEAD " + url] = response;
    answers["GET " + url] = std::move(response);
  }
};

Resolution ask(Network& network, std::string_view reference, ResolveSettings settings = {},
               const Served* known = nullptr) {
  if (settings.architectures.empty()) settings.architectures = {"amd64"};
  auto send = network.send();
  return resolve(*images::parse_reference(reference), settings, send, known, kNow);
}

TEST(Resolve, DockerHubIsNotAtItsName) {
  Network network;
  network.serve("https://registry-1.docker.io/v2/library/docker/manifests/cli", manifest_of('c'));
  auto answer = ask(network, "docker:cli");
  ASSERT_TRUE(answer.served) << answer.served.error().message;
  EXPECT_THAT(image_ids(*answer.served), ElementsAre(digest_of(manifest_of('c')), digest('c')));
  EXPECT_EQ(answer.served->verified_at, kNow);
  EXPECT_EQ(answer.served->source, "registry");
}

TEST(Resolve, PlatformsOfAnIndex) {
  Network network;
  std::string base = "https://r.io/v2/a/manifests/";
  std::string index = cat(R"({"schemaVersion":2,"manifests":[)",
                          entry(manifest_of('1'), R"({"os":"linux","architecture":"amd64"})"), ",",
                          entry(manifest_of('2'), R"({"os":"linux","architecture":"arm64"})"), ",",
                          entry(manifest_of('3'), R"({"os":"windows","architecture":"amd64"})"), ",",
                          entry(manifest_of('4'), R"({"os":"unknown","architecture":"unknown"})"), ",",
                          entry(manifest_of('5'), ""), "]}");
  network.serve(base + "latest", index, kIndex);
  for (char c : {'1', '5'}) network.serve(base + digest_of(manifest_of(c)), manifest_of(c));
  auto answer = ask(network, "r.io/a");
  ASSERT_TRUE(answer.served) << answer.served.error().message;
  EXPECT_THAT(image_ids(*answer.served),
              ElementsAre(digest_of(index), digest_of(manifest_of('1')), digest('1'), digest_of(manifest_of('2')),
                          digest_of(manifest_of('3')), digest_of(manifest_of('5')), digest('5')));
  EXPECT_EQ(network.asked.size(), 3u);
}

TEST(Resolve, MissingPlatformIsNoWordAboutTheReference) {
  Network network;
  network.serve("https://r.io/v2/a/manifests/1",
                cat(R"({"schemaVersion":2,"manifests":[)", entry(manifest_of('1'), ""), "]}"), kIndex);
  network.answers[cat("GET https://r.io/v2/a/manifests/", digest_of(manifest_of('1')))] = {.status = 404};
  auto answer = ask(network, "r.io/a:1");
  EXPECT_FALSE(answer.served);
  EXPECT_EQ(answer.failure, Failure::kUnreachable);
}

TEST(Resolve, KnownContentIsNotFetchedAgain) {
  Network network;
  std::string url = "https://r.io/v2/a/manifests/1";
  network.serve(url, manifest_of('c'));
  auto first = *ask(network, "r.io/a:1").served;
  first.verified_at = 1;
  network.asked.clear();
  auto again = ask(network, "r.io/a:1", {}, &first);
  EXPECT_THAT(network.asked, ElementsAre("HEAD " + url));
  EXPECT_EQ(again.served->verified_at, kNow);
  network.serve(url, manifest_of('d'));  // the tag moves
  EXPECT_THAT(image_ids(*ask(network, "r.io/a:1", {}, &first).served),
              ElementsAre(digest_of(manifest_of('d')), digest('d')));
}

TEST(Resolve, OnlyTheRegistrysOwn404IsGone) {
  Network network;
  network.answers["GET https://r.io/v2/a/manifests/1"] = {.status = 404};
  EXPECT_EQ(ask(network, "r.io/a:1").failure, Failure::kGone);
  for (int status : {401, 403, 429, 500, 503}) {
    network.answers["GET https://r.io/v2/a/manifests/1"] = {.status = status};
    EXPECT_EQ(ask(network, "r.io/a:1").failure, Failure::kUnreachable) << status;
  }
  ResolveSettings settings;
  settings.mirrors["r.io"] = {*parse_url("https://mirror")};
  network.answers.clear();
  network.answers["GET https://mirror/v2/a/manifests/1"] = {.status = 404};
  auto answer = ask(network, "r.io/a:1", settings);
  EXPECT_EQ(answer.failure, Failure::kUnreachable);
  EXPECT_EQ(answer.served.error().message, "r.io: refused");
}

TEST(Resolve, SecretsGoWhereTheyBelong) {
  Network network;
  network.answers["GET https://r.io/v2/a/manifests/1"] = {
      .status = 401, .challenge = R"(Bearer realm="https://auth.io/t",service="s")"};
  network.answers["GET https://auth.io/t?service=s&scope=repository:a:pull Basic c2VjcmV0"] = {
      .status = 200, .body = R"({"token":"T"})"};
  network.answers["GET https://r.io/v2/a/manifests/1 Bearer T"] = {.status = 302, .redirect = "https://cdn.io/x"};
  network.serve("https://cdn.io/x", manifest_of('c'));
  ResolveSettings settings;
  settings.credentials = {{"r.io", "c2VjcmV0"}, {"other.io", "b3RoZXI="}};
  auto answer = ask(network, "r.io/a:1", settings);
  ASSERT_TRUE(answer.served) << answer.served.error().message;
  EXPECT_THAT(network.asked, ElementsAre("GET https://r.io/v2/a/manifests/1",
                                         "GET https://auth.io/t?service=s&scope=repository:a:pull Basic c2VjcmV0",
                                         "GET https://r.io/v2/a/manifests/1 Bearer T", "GET https://cdn.io/x"));
}

TEST(Resolve, ChallengeOfAnotherHostIsNotAnswered) {
  Network network;
  network.answers["GET https://r.io/v2/a/manifests/1"] = {.status = 302, .redirect = "https://evil.io/x"};
  network.answers["GET https://evil.io/x"] = {.status = 401, .challenge = R"(Bearer realm="https://evil.io/t")"};
  ResolveSettings settings;
  settings.credentials = {{"r.io", "c2VjcmV0"}};
  EXPECT_FALSE(ask(network, "r.io/a:1", settings).served);
  EXPECT_THAT(network.asked, ElementsAre("GET https://r.io/v2/a/manifests/1", "GET https://evil.io/x"));
}

}  // namespace
}  // namespace bulkhead::registry
