// Ids as the container's overlay shows them to the host (the container's range: base + n) against
// ids as the view shows them (natural: n). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::keeper {

inline constexpr std::uint32_t kOverflowId = 65534;  // what the kernel shows for an unmapped id

struct IdShift {
  std::uint32_t uid_base = 0, gid_base = 0, size = 0;

  std::uint32_t view_uid(std::uint32_t id) const { return natural(id, uid_base); }
  std::uint32_t view_gid(std::uint32_t id) const { return natural(id, gid_base); }

  // nullopt: the id is not one of the container's.
  std::optional<std::uint32_t> container_uid(std::uint32_t id) const { return shifted(id, uid_base); }
  std::optional<std::uint32_t> container_gid(std::uint32_t id) const { return shifted(id, gid_base); }

 private:
  std::uint32_t natural(std::uint32_t id, std::uint32_t base) const {
    return id >= base && id - base < size ? id - base : kOverflowId;
  }
  std::optional<std::uint32_t> shifted(std::uint32_t id, std::uint32_t base) const {
    return id < size ? std::optional(base + id) : std::nullopt;
  }
};

// Extended attributes whose values hold ids.
enum class XattrKind { kPlain, kAcl, kCapability };
XattrKind xattr_kind(std::string_view name);

// The value as the view shows it. An ACL entry for an id outside the range names kOverflowId; file
// capabilities of the container's root (version 3, rootid = base: what the kernel shows the host
// for files on an idmapped layer) are plain ones (version 2), those of another root user inside it
// keep a natural rootid. nullopt: malformed, or capabilities of a root outside the range, which
// give nobody in the container anything.
std::optional<std::string> xattr_for_view(XattrKind kind, std::string_view value, const IdShift& ids);

// The way back. Plain capabilities become the container root's: the kernel does not take a
// version 2 value through an idmapped mount, as its implied root (0) is not mapped there.
// nullopt: malformed, or an id outside the range.
std::optional<std::string> xattr_for_container(XattrKind kind, std::string_view value,
                                               const IdShift& ids);

}  // namespace bulkhead::keeper
