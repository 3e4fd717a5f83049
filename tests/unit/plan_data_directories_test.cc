// Where the upper layer's own directories are provided, and where not.
#include <gmock/gmock.h>

#include "plan/parts.h"

namespace bulkhead::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DataDirectories : public ::testing::Test {
 protected:
  DataDirectories() {
    spec_.root.emplace();
    facts_.root_fs_type = "overlay";
    facts_.data_directories = {"/var/lib/docker", "/var/lib/containerd"};
  }
  void mount(const char* destination) { spec_.mounts.push_back({.destination = destination, .type = "bind"}); }
  std::vector<std::string> planned() const { return plan_data_directories(spec_, facts_); }
  spec::Spec spec_;
  Facts facts_;
};

TEST_F(DataDirectories, ThoseThatTheImageAsksFor) {
  EXPECT_THAT(planned(), ElementsAre("/var/lib/docker", "/var/lib/containerd"));
}

TEST_F(DataDirectories, NotUnderAVolume) {
  mount("/var/lib//docker/");
  EXPECT_THAT(planned(), ElementsAre("/var/lib/containerd"));
  mount("/var");
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(DataDirectories, AVolumeBelowIsNoReason) {
  mount("/var/lib/docker/volumes");
  mount("/var/lib/dock");
  EXPECT_THAT(planned(), ElementsAre("/var/lib/docker", "/var/lib/containerd"));
}

TEST_F(DataDirectories, NotOnAReadOnlyRoot) {
  spec_.root->readonly = true;
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(DataDirectories, NotWhereTheRootIsARealFileSystem) {
  facts_.root_fs_type = "ext4";
  EXPECT_THAT(planned(), IsEmpty());
}

}  // namespace
}  // namespace bulkhead::plan
