// G2, G3, G4: who may have the socket, and the words for who may not.
#include "images/verdict.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::images {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Reason = Verdict::Reason;

constexpr char kFile[] = "/etc/bulkhead/admin-settings.json";
constexpr std::string_view kCore =
    "enhanced container isolation: docker socket mount denied for container with image "
    "\"docker.io/library/docker\"; image is not in the allowed list; if you wish to allow it, ";

std::string digest(char c) { return cat("sha256:", std::string(64, c)); }

ImageList list_of(std::vector<std::string> patterns, bool allow_derived = false) {
  auto list = ImageList::make(patterns, allow_derived);
  EXPECT_TRUE(list) << list.error().message;
  return *std::move(list);
}

// docker:cli as the engine shows it after a pull.
LocalImage pulled(char id = 'c') {
  return {digest(id), {"docker:cli"}, {cat("docker@", digest('d'))}, {digest('1'), digest('2')}};
}

std::vector<Answer> answer_all(const std::vector<Question>& questions,
                               const Result<std::vector<std::string>>& ids) {
  std::vector<Answer> answers;
  for (const auto& question : questions) answers.push_back({question, ids});
  return answers;
}

Verdict judge(const ImageList& list, const LocalImage& image,
              const Result<std::vector<std::string>>& ids, std::string_view requested = "docker:cli") {
  return list.judge(requested, image, answer_all(list.questions(image), ids), kFile);
}

std::vector<std::string> texts(const std::vector<Question>& questions) {
  std::vector<std::string> out;
  for (const auto& question : questions)
    out.push_back(cat(question.reference.text(), question.cached_only ? " (cached)" : ""));
  return out;
}

const Result<std::vector<std::string>> kServed = std::vector{digest('d'), digest('m'), digest('c')};

TEST(Questions, AreAboutListedNames) {
  EXPECT_THAT(list_of({}).questions(pulled()), IsEmpty());
  EXPECT_THAT(list_of({"*"}).questions(pulled()), IsEmpty());
  EXPECT_THAT(texts(list_of({"docker:cli"}).questions(pulled())),
              ElementsAre("docker.io/library/docker:cli"));
  EXPECT_THAT(texts(list_of({"docker:*"}).questions(pulled())),
              ElementsAre("docker.io/library/docker:cli",
                          cat("docker.io/library/docker@", digest('d'))));
  // An image by another name may still be a listed one; not worth a connection.
  EXPECT_THAT(texts(list_of({"traefik:3", "docker:24", "ci/*:*"}).questions(pulled())),
              ElementsAre("docker.io/library/docker:24", "docker.io/library/traefik:3 (cached)"));
}

TEST(Judge, ContentDecides) {
  for (auto pattern : {"docker:cli", "docker:*", "library/*:*"}) {
    auto verdict = judge(list_of({pattern}), pulled(), kServed);
    EXPECT_TRUE(verdict.allowed) << pattern;
    EXPECT_EQ(verdict.reason, Reason::kVerified);
    EXPECT_EQ(verdict.pattern, pattern);
    EXPECT_EQ(verdict.verified.repository(), "docker.io/library/docker");
    EXPECT_EQ(verdict.message, "");
  }
}

TEST(Judge, ImageUnderAnotherName) {
  LocalImage renamed{digest('c'), {"mine:1"}, {}, {}};
  EXPECT_TRUE(judge(list_of({"docker:cli"}), renamed, kServed, "mine:1").allowed);
}

TEST(Judge, IdThatIsListedNeedsNoRegistry) {
  auto list = list_of({cat("docker@", digest('c'))});
  EXPECT_TRUE(list.judge("docker", pulled(), {}, kFile).allowed);
  EXPECT_FALSE(list.judge("docker", pulled('e'), {}, kFile).allowed);
}

TEST(Judge, RetaggedImageIsRefused) {
  auto verdict = judge(list_of({"docker:cli"}), pulled('e'), kServed);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.reason, Reason::kOtherContent);
  EXPECT_EQ(verdict.message,
            cat(kCore, "get what the registry serves now with \"docker pull docker:cli\": the name is "
                       "listed, but the image here (", digest('e'),
                ") is not what the registry serves for docker.io/library/docker:cli"));
}

TEST(Judge, RepoDigestsProveNothing) {
  LocalImage loaded{digest('e'), {"docker:cli"}, {cat("docker@", digest('d'))}, {}};
  for (auto pattern : {std::string("docker:cli"), std::string("docker:*"), cat("docker@", digest('d'))})
    EXPECT_FALSE(judge(list_of({pattern}), loaded, kServed).allowed) << pattern;
}

TEST(Judge, NotListed) {
  auto verdict = judge(list_of({"traefik:3"}), pulled(), fail("never asked"));
  EXPECT_EQ(verdict.reason, Reason::kNotListed);
  EXPECT_EQ(verdict.message,
            cat(kCore, "add \"docker.io/library/docker:cli\" to enhancedContainerIsolation."
                       "dockerSocketMount.imageList.images in /etc/bulkhead/admin-settings.json"));
  EXPECT_EQ(judge(list_of({}), pulled(), kServed).message,
            cat(verdict.message, " (the allowed image list is empty)"));
  // Another tag of a listed image is not a listed image with other content.
  EXPECT_EQ(judge(list_of({"docker:24"}), pulled('e'), kServed).message, verdict.message);
}

TEST(Judge, RegistryDownIsNeverAllow) {
  auto verdict = judge(list_of({"docker:cli"}), pulled(), fail("registry-1.docker.io: timed out"));
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.reason, Reason::kNotVerified);
  EXPECT_EQ(verdict.message,
            cat(kCore, "let this host reach the registry, or pin the image's digests "
                       "(bulkhead.registry.pinFile in /etc/bulkhead/admin-settings.json): "
                       "\"docker.io/library/docker:cli\" is listed but could not be verified: "
                       "registry-1.docker.io: timed out"));
}

TEST(Judge, LocalImage) {
  LocalImage built{digest('e'), {"docker:latest"}, {}, {digest('1')}};
  auto verdict = judge(list_of({"traefik:3"}), built, fail(""), "docker");
  EXPECT_EQ(verdict.reason, Reason::kLocalOnly);
  EXPECT_EQ(verdict.message,
            cat(kCore, "push the image to a registry, pull it from there and add "
                       "\"docker.io/library/docker:latest\" to enhancedContainerIsolation."
                       "dockerSocketMount.imageList.images in /etc/bulkhead/admin-settings.json; or "
                       "list the image that it was built from there and set enhancedContainerIsolation."
                       "dockerSocketMount.imageList.allowDerivedImages to true (this image exists on "
                       "this host alone, no registry vouches for it)"));
}

TEST(Judge, NameInTheMessage) {
  auto name = [](std::string_view requested, const LocalImage& image) {
    auto message = list_of({}).judge(requested, image, {}, kFile).message;
    auto start = message.find("image \"") + 7;
    return message.substr(start, message.find('"', start) - start);
  };
  EXPECT_EQ(name("docker:cli", pulled()), "docker.io/library/docker");
  EXPECT_EQ(name(digest('c'), pulled()), "docker.io/library/docker");
  EXPECT_EQ(name("cccccccccccc", pulled()), "docker.io/library/docker");
  EXPECT_EQ(name("localhost:5000/x", {digest('c'), {}, {}, {}}), "localhost:5000/x");
  EXPECT_EQ(name(digest('c'), {digest('c'), {"<none>:<none>"}, {}, {}}), digest('c'));
}

TEST(Judge, AnyAllowsAllButPrefersProof) {
  auto any = list_of({"*"}).judge("x", {digest('e'), {}, {}, {}}, {}, kFile);
  EXPECT_TRUE(any.allowed);
  EXPECT_EQ(any.reason, Reason::kAny);
  EXPECT_EQ(any.verified, Reference{});
  EXPECT_EQ(judge(list_of({"*", "docker:cli"}), pulled(), kServed).reason, Reason::kVerified);
  EXPECT_EQ(judge(list_of({"*", "docker:cli"}), pulled(), fail("down")).reason, Reason::kAny);
}

TEST(Judge, AnswersToWhatIsNotListedCountNothing) {
  std::vector<Answer> answers;
  answers.push_back({{*parse_reference("evil:1")}, kServed});
  EXPECT_FALSE(list_of({"docker:cli"}).judge("docker:cli", pulled(), answers, kFile).allowed);
}

TEST(Judge, EmptyIdMatchesNothing) {
  LocalImage image{"", {"docker:cli"}, {}, {}};
  EXPECT_FALSE(judge(list_of({"docker:cli"}), image, std::vector<std::string>{""}).allowed);
}

TEST(Derived, AllOfTheParentsLayersFirst) {
  LocalImage parent = pulled(), child{digest('e'), {"mine"}, {}, {digest('1'), digest('2'), digest('3')}};
  EXPECT_TRUE(is_base_of(parent, child));
  child.layers.pop_back();
  EXPECT_TRUE(is_base_of(parent, child));  // FROM and only ENV
  child.layers.pop_back();
  EXPECT_FALSE(is_base_of(parent, child));
  child.layers = {digest('2'), digest('1'), digest('3')};
  EXPECT_FALSE(is_base_of(parent, child));
  parent.layers.clear();
  EXPECT_FALSE(is_base_of(parent, child));
  parent.layers = child.layers = {""};
  EXPECT_FALSE(is_base_of(parent, child));
}

TEST(Derived, ParentsAreListedNames) {
  LocalImage child{digest('e'), {"mine"}, {}, {digest('1')}};
  EXPECT_TRUE(list_of({"docker:cli"}).may_be_parent(pulled(), child));
  EXPECT_TRUE(list_of({"library/*:*"}).may_be_parent(pulled(), child));
  EXPECT_FALSE(list_of({"traefik", "*"}).may_be_parent(pulled(), child));
  EXPECT_FALSE(list_of({"docker:cli"}).may_be_parent(pulled('e'), child));  // itself
  auto verdict = as_derived(judge(list_of({"docker:cli"}, true), pulled(), kServed));
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.reason, Reason::kDerived);
}

TEST(ImageList, Errors) {
  std::vector<std::string> patterns{"docker", "a b"};
  EXPECT_EQ(ImageList::make(patterns, false).error().message,
            "images[1]: \"a b\": \"a b\" is no part of a repository's name");
}

}  // namespace
}  // namespace bulkhead::images
