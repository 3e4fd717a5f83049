// Layers from an overlay's options: as the kernel prints them (6.18, seen), for mounts made by
// mount(2) and by fsconfig(2).
#include "sandbox/overlay.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "scratch_dir.h"

namespace bulkhead::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

OverlayLayers layers_of(const std::string& options, const std::string& mount_point = "/m/merged") {
  auto layers = overlay_layers({.mount_point = mount_point, .type = "overlay", .options = options});
  EXPECT_TRUE(layers) << layers.error().message;
  return layers ? *layers : OverlayLayers{};
}

TEST(OverlayLayers, OfDocker) {
  auto layers = layers_of("rw,relatime,lowerdir=/l/A:/l/B:/l/C,upperdir=/o/diff,workdir=/o/work,uuid=on,xino=off");
  EXPECT_THAT(layers.lower, ElementsAre("/l/A", "/l/B", "/l/C"));
  EXPECT_THAT(layers.data_only, IsEmpty());
  EXPECT_EQ(layers.upper, "/o/diff");
  EXPECT_EQ(layers.work, "/o/work");
  EXPECT_THAT(layers.options, IsEmpty());
}

TEST(OverlayLayers, ReadOnly) {
  auto layers = layers_of("ro,lowerdir=/a:/b");
  EXPECT_TRUE(layers.upper.empty() && layers.work.empty());
}

TEST(OverlayLayers, OptionsThatTheContainerWouldSee) {
  auto layers = layers_of("rw,lowerdir=/a,upperdir=/u,workdir=/w,userxattr,metacopy=on,redirect_dir=on,index=on,volatile");
  EXPECT_THAT(layers.options, ElementsAre(Pair("userxattr", ""), Pair("metacopy", "on"),
                                          Pair("redirect_dir", "on"), Pair("volatile", "")));
}

TEST(OverlayLayers, EscapesOfMount) {
  auto layers = layers_of(R"(rw,lowerdir=/op/a\134:b:/op/c\134\054d:/op/e\134\134f:/op/g\040h,)"
                          R"(upperdir=/op/u\134\054p,workdir=/op/w\134:k)");
  EXPECT_THAT(layers.lower, ElementsAre("/op/a:b", "/op/c,d", "/op/e\\f", "/op/g h"));
  EXPECT_EQ(layers.upper, "/op/u,p");
  EXPECT_EQ(layers.work, "/op/w:k");
}

// mount(2) takes a colon of a work directory without an escape.
TEST(OverlayLayers, UpperAndWorkAreOnePathEach) {
  auto layers = layers_of("rw,lowerdir=/a,upperdir=/u:1,workdir=/w:2");
  EXPECT_EQ(layers.upper, "/u:1");
  EXPECT_EQ(layers.work, "/w:2");
}

// fsconfig(2) takes plain paths: neither ':' nor '\' mean anything.
TEST(OverlayLayers, OneByOne) {
  auto layers = layers_of(R"(ro,lowerdir+=/op/a:b,lowerdir+=/op/c\054d,lowerdir+=/op/e\134f,datadir+=/op/d:1)");
  EXPECT_THAT(layers.lower, ElementsAre("/op/a:b", "/op/c,d", "/op/e\\f"));
  EXPECT_THAT(layers.data_only, ElementsAre("/op/d:1"));
}

TEST(OverlayLayers, DataOnly) {
  auto layers = layers_of("ro,lowerdir=/a:/b::/data1::/data2");
  EXPECT_THAT(layers.lower, ElementsAre("/a", "/b"));
  EXPECT_THAT(layers.data_only, ElementsAre("/data1", "/data2"));
}

TEST(OverlayLayers, RelativeOnesAreFoundAboveTheMountPoint) {
  testing::ScratchDir scratch;
  for (const char* made : {"l/AAA", "l/BBB", "id/diff", "id/work", "id/merged"})
    std::filesystem::create_directories(scratch.path() / made);
  std::string base = scratch.path();
  auto layers = layers_of("rw,lowerdir=l/AAA:l/BBB,upperdir=id/diff,workdir=id/work", base + "/id/merged");
  EXPECT_THAT(layers.lower, ElementsAre(base + "/l/AAA", base + "/l/BBB"));
  EXPECT_EQ(layers.upper, base + "/id/diff");
  EXPECT_EQ(layers.work, base + "/id/work");
  auto missing = overlay_layers({.mount_point = base + "/id/merged", .options = "ro,lowerdir=l/CCC"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("layer l/CCC was not found"));
}

TEST(OverlayLayers, Malformed) {
  auto error = [](const char* options) {
    auto layers = overlay_layers({.mount_point = "/m", .options = options});
    return layers ? "taken" : layers.error().message;
  };
  EXPECT_THAT(error("rw,relatime"), HasSubstr("no lowerdir"));
  EXPECT_THAT(error(""), HasSubstr("no lowerdir"));
  EXPECT_THAT(error("ro,lowerdir="), HasSubstr("no lowerdir"));
  EXPECT_THAT(error("rw,lowerdir=/a,upperdir=/u"), HasSubstr("upperdir and workdir go together"));
}

TEST(SplitLayers, Escapes) {
  EXPECT_THAT(split_layers("a:b"), ElementsAre("a", "b"));
  EXPECT_THAT(split_layers(R"(a\:b:c\\)"), ElementsAre("a:b", "c\\"));
  EXPECT_THAT(split_layers(R"(a\)"), ElementsAre("a\\"));
  EXPECT_THAT(split_layers(""), ElementsAre(""));
}

}  // namespace
}  // namespace bulkhead::sandbox
