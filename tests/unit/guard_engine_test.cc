// What is demanded of the engine's own configuration.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/engine.h"
#include "scratch_dir.h"

namespace bulkhead::guard {
namespace {

std::string info(std::string_view text) {
  auto value = json::parse(text);
  auto good = check_info(value->get_object(), "bulkhead");
  return good ? "" : good.error().message;
}

TEST(GuardEngine, TheRuntimeMustBeKnownAndDefault) {
  EXPECT_EQ(info(R"({"Runtimes":{"bulkhead":{"path":"/b"}},"DefaultRuntime":"bulkhead","Warnings":null})"), "");
  EXPECT_NE(info(R"({"Runtimes":{"runc":{}},"DefaultRuntime":"bulkhead"})").find("knows no runtime"), std::string::npos);
  EXPECT_NE(info(R"({"Runtimes":{"bulkhead":{}},"DefaultRuntime":"runc"})").find("default-runtime"), std::string::npos);
  EXPECT_NE(info(R"({})"), "");
}

TEST(GuardEngine, NoPortMayBeOpen) {
  EXPECT_NE(info(R"({"Runtimes":{"bulkhead":{}},"DefaultRuntime":"bulkhead",
                     "Warnings":["WARNING: API is accessible on http://0.0.0.0:2375 without encryption."]})"), "");
}

using bulkhead::testing::ScratchDir;

void make_file(const std::string& path, mode_t mode) {
  UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

class Setup : public ::testing::Test {
 protected:
  ScratchDir folder;
  std::string runtime = folder.path() / "bulkhead";
  EngineSetup setup;

  void SetUp() override {
    make_file(runtime, 0755);
    ASSERT_EQ(::symlink(runtime.c_str(), (folder.path() / "runc").c_str()), 0);
    setup.command = std::string("dockerd\0-H\0unix:///run/private/docker.sock\0", 43);
    setup.environment = std::string("A=b\0PATH=", 9).append(folder.path().string()).append("\0", 1)
                            .append("DOCKER_BUILDKIT_RUNC_COMMAND=").append(runtime).append("\0", 1);
    setup.daemon_json = R"({"builder":{"entitlements":{"network-host":false,"security-insecure":false}}})";
  }
  std::string check(std::string_view version = "20.10.24+dfsg1") {
    auto good = check_setup(setup, version, runtime);
    return good ? "" : good.error().message;
  }
};

TEST_F(Setup, Good) {
  EXPECT_EQ(check("20.10.24+dfsg1"), "");
  EXPECT_EQ(check("28.2.2"), "");
}

TEST_F(Setup, BuildKitMustBeToldTheRuntime) {
  setup.environment = std::string("PATH=").append(folder.path().string());
  EXPECT_EQ(check("20.10.24"), "");
  EXPECT_NE(check("28.2.2").find("DOCKER_BUILDKIT_RUNC_COMMAND"), std::string::npos);
  setup.environment = std::string("PATH=/usr/bin\0", 14).append("DOCKER_BUILDKIT_RUNC_COMMAND=").append(runtime);
  EXPECT_NE(check("20.10.24").find("PATH"), std::string::npos);
}

TEST_F(Setup, EntitlementsMustBeOff) {
  for (std::string_view text : {"", "{}", R"({"builder":{"entitlements":{"network-host":true,"security-insecure":false}}})",
                                R"({"builder":{"entitlements":{"network-host":false}}})"}) {
    setup.daemon_json = text;
    EXPECT_NE(check().find("builder.entitlements"), std::string::npos) << text;
  }
}

TEST_F(Setup, OnlyUnixSockets) {
  setup.command = std::string("dockerd\0--host=tcp://127.0.0.1:2376\0", 36);
  EXPECT_NE(check().find("tcp://127.0.0.1:2376"), std::string::npos);
  setup.command = std::string("dockerd\0-H\0fd://\0", 17);
  EXPECT_NE(check(), "");
  setup.command = "dockerd";
  setup.daemon_json.insert(1, R"("hosts":["unix:///a","tcp://0.0.0.0:1"],)");
  EXPECT_NE(check().find("tcp://0.0.0.0:1"), std::string::npos);
}

TEST(GuardEngine, ConfigurationFile) {
  EXPECT_EQ(config_file_of(std::string("dockerd\0--config-file\0/a/b\0", 27)), "/a/b");
  EXPECT_EQ(config_file_of(std::string("dockerd\0--config-file=/a/c\0", 27)), "/a/c");
  EXPECT_EQ(config_file_of("dockerd"), "/etc/docker/daemon.json");
}

TEST(GuardEngine, TheSocketIsRootsAlone) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root: the owner of the socket is looked at";
  ScratchDir folder;
  std::string socket = folder.path() / "s";
  make_file(socket, 0666);
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_FALSE(check_private(socket));
  ::chmod(socket.c_str(), 0660);
  EXPECT_TRUE(check_private(socket));
  ::chmod(socket.c_str(), 0666);
  ::chmod(folder.path().c_str(), 0700);
  EXPECT_TRUE(check_private(socket));
}

}  // namespace
}  // namespace bulkhead::guard
