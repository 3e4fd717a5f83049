// O5: why would this command be refused?
#include "ctl/explain.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kFile[] = "/etc/bulkhead/admin-settings.json";
constexpr char kSettings[] = R"({
  "enhancedContainerIsolation": {"dockerSocketMount": {
    "imageList": {"images": ["docker:cli", "testcontainers/*:*"]},
    "commandList": {"commands": ["push", "build*"]}}},
  "bulkhead": {"dockerSocketMount": {"commandLists": [
    {"images": ["traefik:*"], "type": "allow", "commands": ["ps"]}]}}})";

// A host on which /var/run is /run and /home/u/link is the engine's socket.
std::string resolve(const std::string& path) {
  if (path.starts_with("/var/run/")) return path.substr(4);
  if (path == "/home/u/link") return "/run/docker.sock";
  return path;
}

struct Explained {
  std::vector<std::string> refused, notes;
};

Explained explain_line(std::string_view line, std::string_view settings = kSettings, std::string_view caller = {}) {
  std::vector<std::string> words;
  for (auto word : split(line, ' ')) words.emplace_back(word);
  auto policy = policy::read_policy(settings, kFile);
  auto docker = read_docker_words(words);
  EXPECT_TRUE(policy && docker) << line;
  if (!policy || !docker) return {};
  ExplainInputs inputs{.policy = *policy, .settings_file = kFile, .resolve = resolve};
  if (!caller.empty()) inputs.caller = *images::parse_reference(caller);
  Explained out;
  for (auto& finding : explain(*docker, inputs))
    (finding.kind == Finding::Kind::kRefused ? out.refused : out.notes).push_back(std::move(finding.text));
  return out;
}

TEST(Explain, HarmlessCommand) {
  auto said = explain_line("docker run -v /home/u:/x -v data:/d -v /usr/lib:/lib:ro --device /dev/fuse alpine");
  EXPECT_THAT(said.refused, IsEmpty());
  EXPECT_THAT(said.notes, IsEmpty());
}

TEST(Explain, SocketUnderAnyName) {
  for (auto mount : {"-v /var/run/docker.sock:/x", "-v /run/docker.sock:/x:ro", "-v /home/u/link:/x", "--use-api-socket",
                     "--mount type=bind,src=/var/run/docker.sock,dst=/x"}) {
    auto said = explain_line(cat("docker run ", mount, " evil:1"));
    ASSERT_THAT(said.refused, ElementsAre(StartsWith(
        "enhanced container isolation: docker socket mount denied for container with image "
        "\"docker.io/library/evil\"; image is not in the allowed list; if you wish to allow it, add "
        "\"docker.io/library/evil:1\" to"))) << mount;
    EXPECT_THAT(explain_line(cat("docker run ", mount, " docker:cli")).refused, IsEmpty());
    EXPECT_THAT(explain_line(cat("docker run ", mount, " docker:cli")).notes,
                ElementsAre(HasSubstr("allowed if the image here is what the registry serves for it")));
    EXPECT_THAT(explain_line(cat("docker run ", mount, " testcontainers/ryuk:0.14.0")).refused, IsEmpty());
  }
  EXPECT_THAT(explain_line("docker run -v /run/docker.sock:/x docker:24").refused.size(), 1u);
}

TEST(Explain, Mounts) {
  EXPECT_THAT(explain_line("docker run -v /etc/docker/daemon.json:/x alpine").refused,
              ElementsAre(HasSubstr("can't mount /etc/docker/daemon.json because it's configured as a restricted host "
                                    "mount: /etc/docker is an engine's configuration; if")));
  EXPECT_THAT(explain_line("docker run -v /usr/lib:/x alpine").refused,
              ElementsAre(HasSubstr("; read-only it is allowed; if you wish to allow it, see")));
  EXPECT_THAT(explain_line("docker run --mount type=bind,source=/usr/lib,target=/x,readonly alpine").refused, IsEmpty());
  EXPECT_THAT(explain_line("docker run -v /:/host alpine").refused, ElementsAre(StartsWith("can't mount /: it contains ")));
  EXPECT_THAT(explain_line("docker run -v /:/host alpine", R"({"bulkhead":{"restrictedMounts":{"parents":"mask"}}})")
                  .refused, IsEmpty());
}

TEST(Explain, HostNamespacesAndDevices) {
  for (auto kind : {"pid", "ipc", "uts", "network", "cgroupns"})
    EXPECT_THAT(explain_line(cat("docker run --", kind, "=host x")).refused,
                ElementsAre(StartsWith(cat("--", kind, "=host: "))));
  EXPECT_THAT(explain_line("docker run --net host x").refused.size(), 1u);
  EXPECT_THAT(explain_line("docker run --network bridge --pid container:x y").refused, IsEmpty());
  EXPECT_THAT(explain_line("docker run --device /dev/sda:/dev/x y").refused, ElementsAre(StartsWith("--device /dev/sda: ")));
}

TEST(Explain, WhatIsIgnored) {
  auto said = explain_line("docker run --runtime=runc --userns=host --privileged x");
  EXPECT_THAT(said.refused, IsEmpty());
  EXPECT_EQ(said.notes.size(), 3u);
}

TEST(Explain, CommandsThroughSockets) {
  EXPECT_THAT(explain_line("docker push x").refused, ElementsAre(HasSubstr("docker command \"push\" is blocked")));
  EXPECT_THAT(explain_line("docker ps").refused, IsEmpty());
  EXPECT_THAT(explain_line("docker buildx du").refused.size(), 1u);
  EXPECT_THAT(explain_line("docker logs x", kSettings, "traefik:3").refused,
              ElementsAre(HasSubstr("add \"logs\" to bulkhead.dockerSocketMount.commandLists[0].commands")));
  EXPECT_THAT(explain_line("docker container ls", kSettings, "traefik:3").refused, IsEmpty());
}

TEST(Explain, AuditSaysSo) {
  EXPECT_THAT(explain_line("docker push x", R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":
      {"commands":["push"]}}},"bulkhead":{"mode":"audit"}})").notes, testing::Contains(HasSubstr("\"audit\"")));
}

}  // namespace
}  // namespace bulkhead::ctl
