#include "keeper/id_shift.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <cstring>

namespace bulkhead::keeper {
namespace {

using Ids = std::optional<std::uint32_t>;

template <typename T>
T load(std::string_view bytes, std::size_t offset) {
  T value;
  memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// `shift_uid`, `shift_gid`: the new id, or nullopt to refuse the whole value.
template <typename ShiftUid, typename ShiftGid>
std::optional<std::string> shift_acl(std::string_view value, ShiftUid shift_uid, ShiftGid shift_gid) {
  constexpr std::size_t kHeader = sizeof(posix_acl_xattr_header);
  constexpr std::size_t kEntry = sizeof(posix_acl_xattr_entry);
  if (value.size() < kHeader || (value.size() - kHeader) % kEntry != 0) return std::nullopt;
  if (le32toh(load<posix_acl_xattr_header>(value, 0).a_version) != POSIX_ACL_XATTR_VERSION)
    return std::nullopt;
  std::string out(value);
  for (std::size_t at = kHeader; at < value.size(); at += kEntry) {
    auto entry = load<posix_acl_xattr_entry>(value, at);
    auto tag = le16toh(entry.e_tag);
    if (tag != ACL_USER && tag != ACL_GROUP) continue;  // their e_id is undefined
    Ids id = tag == ACL_USER ? shift_uid(le32toh(entry.e_id)) : shift_gid(le32toh(entry.e_id));
    if (!id) return std::nullopt;
    entry.e_id = htole32(*id);
    memcpy(out.data() + at, &entry, sizeof entry);
  }
  return out;
}

struct Capability {
  vfs_ns_cap_data data{};  // rootid 0 in a version 2 value
};

std::optional<Capability> parse_capability(std::string_view value) {
  Capability out;
  if (value.size() != XATTR_CAPS_SZ_2 && value.size() != XATTR_CAPS_SZ_3) return std::nullopt;
  memcpy(&out.data, value.data(), value.size());
  auto revision = le32toh(out.data.magic_etc) & VFS_CAP_REVISION_MASK;
  bool fits = revision == (value.size() == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3);
  return fits ? std::optional(out) : std::nullopt;
}

std::string serialise(Capability capability, std::uint32_t root_id) {
  auto& data = capability.data;
  std::uint32_t revision = root_id == 0 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3;
  data.magic_etc = htole32((le32toh(data.magic_etc) & ~VFS_CAP_REVISION_MASK) | revision);
  data.rootid = htole32(root_id);
  return {reinterpret_cast<const char*>(&data), root_id == 0 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3};
}

}  // namespace

XattrKind xattr_kind(std::string_view name) {
  if (name == "system.posix_acl_access" || name == "system.posix_acl_default") return XattrKind::kAcl;
  if (name == "security.capability") return XattrKind::kCapability;
  return XattrKind::kPlain;
}

std::optional<std::string> xattr_for_view(XattrKind kind, std::string_view value, const IdShift& ids) {
  if (kind == XattrKind::kPlain) return std::string(value);
  if (kind == XattrKind::kAcl)
    return shift_acl(value, [&](auto id) { return Ids(ids.view_uid(id)); },
                     [&](auto id) { return Ids(ids.view_gid(id)); });
  auto capability = parse_capability(value);
  if (!capability) return std::nullopt;
  std::uint32_t root_id = le32toh(capability->data.rootid);
  if (root_id < ids.uid_base || root_id - ids.uid_base >= ids.size) return std::nullopt;
  return serialise(*capability, root_id - ids.uid_base);
}

std::optional<std::string> xattr_for_container(XattrKind kind, std::string_view value,
                                               const IdShift& ids) {
  if (kind == XattrKind::kPlain) return std::string(value);
  if (kind == XattrKind::kAcl)
    return shift_acl(value, [&](auto id) { return ids.container_uid(id); },
                     [&](auto id) { return ids.container_gid(id); });
  auto capability = parse_capability(value);
  if (!capability) return std::nullopt;
  auto root_id = ids.container_uid(le32toh(capability->data.rootid));
  return root_id ? std::optional(serialise(*capability, *root_id)) : std::nullopt;
}

}  // namespace bulkhead::keeper
