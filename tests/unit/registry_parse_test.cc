// What registries send: manifests, challenges, tokens, URLs; and the credentials file.
#include <gmock/gmock.h>

#include "base/strings.h"
#include "registry/challenge.h"
#include "registry/manifest.h"
#include "registry/session.h"
#include "registry/url.h"

namespace bulkhead::registry {
namespace {

constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
const std::string kDigest = cat("sha256:", std::string(64, 'a'));
const std::string kConfig =
    cat(R"({"mediaType":"x","digest":")", kDigest, R"(","size":7})");

TEST(Digest, IsSha256OfTheBytes) {
  EXPECT_EQ(digest_of(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Manifest, OfAnImage) {
  for (std::string type : {kOciManifest, "application/vnd.docker.distribution.manifest.v2+json"}) {
    auto text = cat(R"({"schemaVersion":2,"mediaType":")", type, R"(","config":)", kConfig, R"(,"layers":[)",
                    kConfig, R"(],"annotations":{"a":"b"},"subject":{}})");
    auto manifest = parse_manifest(text, cat(type, "; charset=utf-8"));
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_FALSE(manifest->is_index);
    EXPECT_EQ(manifest->config.digest, kDigest);
    EXPECT_EQ(manifest->config.size, 7u);
  }
}

TEST(Manifest, OfAnIndex) {
  auto text = cat(R"({"schemaVersion":2,"manifests":[{"mediaType":"x","digest":")", kDigest,
                  R"(","size":7,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]})");
  for (std::string type : {kOciIndex, "application/vnd.docker.distribution.manifest.list.v2+json"}) {
    auto index = parse_manifest(text, type);
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_TRUE(index->is_index);
    ASSERT_EQ(index->manifests.size(), 1u);
    EXPECT_EQ(index->manifests[0].architecture, "arm");
    EXPECT_EQ(index->manifests[0].variant, "v7");
  }
}

TEST(Manifest, Errors) {
  auto image = cat(R"("config":)", kConfig, R"(,"layers":[])");
  struct {
    std::string text, type, error;
  } cases[] = {
      {"{}", "", "\"\" is no manifest or index"},
      {"{}", "application/json", "\"application/json\" is no manifest or index"},
      {"{}", "application/vnd.docker.distribution.manifest.v1+json",
       "is a manifest of schema 1, which holds no digest of the image: push the image again"},
      {"", kOciManifest, "empty: expected a JSON document"},
      {cat("{", image, "}"), kOciManifest, "schemaVersion: is missing"},
      {cat(R"({"schemaVersion":1,)", image, "}"), kOciManifest, "schemaVersion is 1, not 2"},
      {cat(R"({"schemaVersion":2,"mediaType":")", kOciIndex, R"(",)", image, "}"), kOciManifest,
       cat("is sent as ", kOciManifest, " and calls itself ", kOciIndex)},
      {cat(R"({"schemaVersion":2,"manifests":[],)", image, "}"), kOciManifest,
       cat("is sent as ", kOciManifest, " and has not what belongs there alone")},
      {cat(R"({"schemaVersion":2,"manifests":[],)", image, "}"), kOciIndex,
       cat("is sent as ", kOciIndex, " and has not what belongs there alone")},
      {R"({"schemaVersion":2,"manifests":[]})", kOciManifest,
       cat("is sent as ", kOciManifest, " and has not what belongs there alone")},
      {cat(R"({"schemaVersion":2,"config":)", kConfig, "}"), kOciManifest,
       cat("is sent as ", kOciManifest, " and has not what belongs there alone")},
      {R"({"schemaVersion":2})", kOciManifest,
       cat("is sent as ", kOciManifest, " and has not what belongs there alone")},
      {R"({"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:00","size":7},"layers":[]})",
       kOciManifest, "config.digest: is no digest (sha256: and 64 hexadecimal digits)"},
      {cat(R"({"schemaVersion":2,"Config":{},)", image, "}"), kOciManifest,
       "Config: must be written \"config\""},
      {cat(R"({"schemaVersion":2,)", image, R"(,"config":null})"), kOciManifest,
       "line 1, column 152: duplicate key \"config\""},
  };
  for (const auto& c : cases) {
    auto manifest = parse_manifest(c.text, c.type);
    ASSERT_FALSE(manifest) << c.text;
    EXPECT_EQ(manifest.error().message, c.error);
  }
  std::string many = cat(R"({"schemaVersion":2,"manifests":[)", kConfig);
  for (int i = 0; i < 512; ++i) many += cat(",", kConfig);
  EXPECT_EQ(parse_manifest(many + "]}", kOciIndex).error().message,
            "manifests: 513 elements, more than the limit of 512");
}

TEST(Challenge, BearerBeforeBasic) {
  auto bearer = parse_challenge(
      R"(Basic realm="x, y=z", Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a,b")");
  ASSERT_TRUE(bearer);
  EXPECT_EQ(bearer->scheme, Challenge::Scheme::kBearer);
  EXPECT_EQ(bearer->realm, "https://auth.docker.io/token");
  EXPECT_EQ(bearer->service, "registry.docker.io");
  EXPECT_EQ(bearer->scope, "a,b");
}

TEST(Challenge, Forms) {
  for (auto basic : {"Basic realm=x", "BASIC", "basic realm=\"a\\\"b\"", "Negotiate, Basic realm=x", ",, Basic",
                     "Bearer service=x, Basic realm=y"}) {
    auto challenge = parse_challenge(basic);
    ASSERT_TRUE(challenge) << basic;
    EXPECT_EQ(challenge->scheme, Challenge::Scheme::kBasic) << basic;
  }
  EXPECT_EQ(parse_challenge("bearer Realm = https://x/y , error=\"invalid\"")->realm, "https");  // a slash needs quotes
  EXPECT_EQ(parse_challenge("bearer Realm = \"https://x/\\y\" , error=\"invalid\"")->realm, "https://x/y");
  for (auto none : {"", " ", ",", "=", "Negotiate", "Digest realm=x", "Bearer", "Bearer service=x",
                    "realm=\"x\"", "Bearer realm=\"unfinished", "Bearer realm=\"x\\"})
    EXPECT_FALSE(parse_challenge(none)) << none;
}

TEST(Token, IsOneWord) {
  EXPECT_EQ(*parse_token(R"({"token":"a.b-c","expires_in":60})"), "a.b-c");
  EXPECT_EQ(*parse_token(R"({"access_token":"x"})"), "x");
  for (auto bad : {"", "{}", "[]", R"({"token":""})", R"({"token":"a b"})", R"({"token":"a\r\nX: y"})",
                   R"({"token":"\u00e9"})", R"({"token":1})"})
    EXPECT_FALSE(parse_token(bad)) << bad;
}

TEST(Url, HttpsAlone) {
  struct {
    std::string text, host, path;
  } good[] = {
      {"https://a.b", "a.b", "/"},
      {"https://A.B:5000/x?y=z", "a.b:5000", "/x?y=z"},
      {"https://[::1]:5/x", "[::1]:5", "/x"},
      {"https://a?x", "a", "/?x"},
  };
  for (const auto& c : good) {
    auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << url.error().message;
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->path, c.path);
    EXPECT_EQ(parse_url(url->text())->text(), url->text());
  }
  for (auto bad : {"", "https://", "http://a", "HTTPS://a", "https:///x", "https://user@a/", "https://a b/",
                   "https://a/\r\nX: y", "https://a/#x", "https://a:0/", "https://a:x/", "//a/", "/a",
                   "https://a\\b/", "https://-a/", "https://\xc3\xa9/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
  EXPECT_FALSE(parse_url("https://a/" + std::string(5000, 'x')));
}

TEST(Url, Queries) {
  EXPECT_EQ(with_query("/t", {{"scope", "repository:a/b:pull"}, {"service", "a b&c=d"}}),
            "/t?scope=repository:a/b:pull&service=a%20b%26c%3Dd");
  EXPECT_EQ(with_query("/t?x=1", {{"y", "%"}}), "/t?x=1&y=%25");
  EXPECT_EQ(with_query("/t", {}), "/t");
}

TEST(Credentials, FormOfDockersConfiguration) {
  auto credentials = read_credentials(R"({"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},
      "reg.corp:5000":{"auth":"Yzpk"},"empty":{}},"HttpHeaders":{}})");
  ASSERT_TRUE(credentials) << credentials.error().message;
  EXPECT_EQ((*credentials)["docker.io"], "YTpi");
  EXPECT_EQ((*credentials)["reg.corp:5000"], "Yzpk");
  struct {
    std::string_view text, error;
  } cases[] = {
      {R"({"credsStore":"pass"})",
       "credsStore and credHelpers are programs that are not run here; write \"auths\" instead"},
      {R"({"auths":{"a":{"auth":"\r\nX: y"}}})", "auths.a.auth: is not base64"},
      {R"({"auths":{"a b":{"auth":""}}})", "auths: \"a b\" is no registry"},
      {R"({"auths":{"a":{"auth":"YTpi","identitytoken":"x"}}})",
       "auths.a.identitytoken is not supported; write user and password as \"auth\""},
  };
  for (const auto& c : cases) EXPECT_EQ(read_credentials(c.text).error().message, c.error);
}

}  // namespace
}  // namespace bulkhead::registry
