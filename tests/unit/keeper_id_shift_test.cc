// Ids between the container's overlay (base + n) and the view (n), also inside extended attributes.
#include "keeper/id_shift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace bulkhead::keeper {
namespace {

constexpr IdShift kIds{.uid_base = 100000, .gid_base = 200000, .size = 65536};

std::string bytes(std::initializer_list<std::uint32_t> words) {
  std::string out;
  for (std::uint32_t word : words)
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift);
  return out;
}

struct Entry {
  std::uint16_t tag, permissions;
  std::uint32_t id;
};

std::string acl(const std::vector<Entry>& entries) {
  std::string out = bytes({2});
  for (const auto& entry : entries)
    out += bytes({static_cast<std::uint32_t>(entry.tag | entry.permissions << 16), entry.id});
  return out;
}

constexpr std::uint32_t kUndefined = ~0u;

std::string acl_with(std::uint32_t user, std::uint32_t group) {
  return acl({{1, 7, kUndefined}, {2, 4, user}, {4, 5, kUndefined}, {8, 5, group}, {0x10, 7, kUndefined},
              {0x20, 0, kUndefined}});
}

std::string capability_2() { return bytes({0x02000001, 0x2000, 0, 0, 0}); }
std::string capability_3(std::uint32_t root) { return bytes({0x03000001, 0x2000, 0, 0, 0, root}); }

TEST(IdShift, OwnersOfTheRangeAreNatural) {
  EXPECT_EQ(kIds.view_uid(100000), 0u);
  EXPECT_EQ(kIds.view_uid(165535), 65535u);
  EXPECT_EQ(kIds.view_gid(200033), 33u);
}

TEST(IdShift, OwnersOutsideTheRangeAreTheOverflowId) {
  for (std::uint32_t id : {0u, 33u, 99999u, 165536u, 4294967294u}) EXPECT_EQ(kIds.view_uid(id), 65534u) << id;
  EXPECT_EQ(kIds.view_gid(100000), 65534u);
}

TEST(IdShift, OnlyTheContainersIdsGoBack) {
  EXPECT_EQ(kIds.container_uid(0), 100000u);
  EXPECT_EQ(kIds.container_gid(65535), 265535u);
  EXPECT_EQ(kIds.container_uid(65536), std::nullopt);
  EXPECT_EQ(kIds.container_gid(4294967295u), std::nullopt);
}

TEST(IdShift, ARangeAtTheEndOfTheIdsDoesNotWrap) {
  IdShift last{.uid_base = 4294901759u, .gid_base = 4294901759u, .size = 65536};
  EXPECT_EQ(last.view_uid(4294967294u), 65535u);
  EXPECT_EQ(last.view_uid(5), 65534u);
}

TEST(XattrShift, KindsByTheExactName) {
  EXPECT_EQ(xattr_kind("system.posix_acl_access"), XattrKind::kAcl);
  EXPECT_EQ(xattr_kind("system.posix_acl_default"), XattrKind::kAcl);
  EXPECT_EQ(xattr_kind("security.capability"), XattrKind::kCapability);
  EXPECT_EQ(xattr_kind("security.capability2"), XattrKind::kPlain);
  EXPECT_EQ(xattr_kind("user.security.capability"), XattrKind::kPlain);
}

TEST(XattrShift, PlainValuesStay) {
  std::string value("a\0b", 3);
  EXPECT_EQ(xattr_for_view(XattrKind::kPlain, value, kIds), value);
  EXPECT_EQ(xattr_for_container(XattrKind::kPlain, value, kIds), value);
}

TEST(XattrShift, AclUsersAndGroupsAreShiftedAndNothingElse) {
  EXPECT_EQ(xattr_for_container(XattrKind::kAcl, acl_with(1000, 50), kIds), acl_with(101000, 200050));
  EXPECT_EQ(xattr_for_view(XattrKind::kAcl, acl_with(101000, 200050), kIds), acl_with(1000, 50));
}

TEST(XattrShift, AclIdsOutsideTheRange) {
  EXPECT_EQ(xattr_for_view(XattrKind::kAcl, acl_with(5, 5), kIds), acl_with(65534, 65534));
  EXPECT_EQ(xattr_for_container(XattrKind::kAcl, acl_with(70000, 5), kIds), std::nullopt);
  EXPECT_EQ(xattr_for_container(XattrKind::kAcl, acl_with(5, 70000), kIds), std::nullopt);
}

TEST(XattrShift, MalformedAcls) {
  std::string good = acl_with(1, 1);
  for (std::size_t size = 0; size < good.size(); ++size) {
    if (size >= 4 && (size - 4) % 8 == 0) continue;
    EXPECT_EQ(xattr_for_container(XattrKind::kAcl, good.substr(0, size), kIds), std::nullopt) << size;
  }
  std::string other_version = good;
  other_version[0] = 3;
  EXPECT_EQ(xattr_for_container(XattrKind::kAcl, other_version, kIds), std::nullopt);
  EXPECT_EQ(xattr_for_view(XattrKind::kAcl, other_version, kIds), std::nullopt);
}

TEST(XattrShift, PlainCapabilitiesAreTheContainerRoots) {
  EXPECT_EQ(xattr_for_container(XattrKind::kCapability, capability_2(), kIds), capability_3(100000));
  EXPECT_EQ(xattr_for_view(XattrKind::kCapability, capability_3(100000), kIds), capability_2());
}

TEST(XattrShift, CapabilitiesOfARootInsideTheContainer) {
  EXPECT_EQ(xattr_for_container(XattrKind::kCapability, capability_3(5000), kIds), capability_3(105000));
  EXPECT_EQ(xattr_for_view(XattrKind::kCapability, capability_3(105000), kIds), capability_3(5000));
}

TEST(XattrShift, CapabilitiesOfARootElsewhere) {
  EXPECT_EQ(xattr_for_view(XattrKind::kCapability, capability_2(), kIds), std::nullopt);  // the host's root
  EXPECT_EQ(xattr_for_view(XattrKind::kCapability, capability_3(99999), kIds), std::nullopt);
  EXPECT_EQ(xattr_for_container(XattrKind::kCapability, capability_3(65536), kIds), std::nullopt);
}

TEST(XattrShift, MalformedCapabilities) {
  for (const auto& value : {std::string(), capability_2().substr(1), capability_3(1).substr(0, 20),
                            capability_2() + std::string(4, '\0'), bytes({0x01000000, 0, 0})})
    EXPECT_EQ(xattr_for_container(XattrKind::kCapability, value, kIds), std::nullopt) << value.size();
}

}  // namespace
}  // namespace bulkhead::keeper
