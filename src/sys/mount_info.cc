#include "sys/mount_info.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::sys {
namespace {

// Not in Debian 12's headers (6.1): statmount and listmount are of 6.8, the superblock's options
// of 6.11, the unique mount id of statx of 6.8.
constexpr long kSysStatmount = 457;
constexpr long kSysListmount = 458;
constexpr unsigned kStatxMountIdUnique = 0x4000;
constexpr std::uint64_t kSbBasic = 1, kMntRoot = 8, kMntPoint = 16, kFsType = 32, kMntOpts = 128;
constexpr std::uint64_t kFsSubtype = 256, kSbSource = 512;  // 6.13
constexpr std::uint64_t kBasicMask = kSbBasic | kMntRoot | kMntPoint | kFsType | kFsSubtype;
constexpr std::uint64_t kOptionsMask = kMntOpts | kSbSource;

struct MountIdRequest {
  std::uint32_t size = 24, spare = 0;
  std::uint64_t mount_id = 0, param = 0;
};

struct StatMount {  // struct statmount, up to the fields that we read
  std::uint32_t size, mnt_opts;
  std::uint64_t mask;
  std::uint32_t sb_dev_major, sb_dev_minor;
  std::uint64_t sb_magic;
  std::uint32_t sb_flags, fs_type;
  std::uint64_t mnt_id, mnt_parent_id;
  std::uint32_t mnt_id_old, mnt_parent_id_old;
  std::uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
  std::uint32_t mnt_root, mnt_point;
  std::uint64_t mnt_ns_id;
  std::uint32_t fs_subtype, sb_source;
  std::uint64_t spare[48];
  char str[];
};

// nullopt: this kernel has no statmount.
std::optional<Result<MountInfo>> statmount_by_id(std::uint64_t id, bool with_options) {
  MountIdRequest request{.mount_id = id, .param = kBasicMask | (with_options ? kOptionsMask : 0)};
  std::vector<std::uint64_t> buffer(4096 / 8);
  while (syscall(kSysStatmount, &request, buffer.data(), buffer.size() * 8, 0) < 0) {
    if (errno == ENOSYS) return std::nullopt;
    if (errno != EOVERFLOW || buffer.size() > (1u << 20)) return fail_errno("statmount");
    buffer.resize(buffer.size() * 4);
  }
  const auto* info = reinterpret_cast<const StatMount*>(buffer.data());
  if (with_options && (info->mask & kOptionsMask) != kOptionsMask) return std::nullopt;  // 6.8 to 6.12
  auto text = [&](std::uint32_t offset) { return std::string(info->str + offset); };
  MountInfo out{.id = id,
                .device = makedev(info->sb_dev_major, info->sb_dev_minor),
                .root = text(info->mnt_root),
                .mount_point = text(info->mnt_point),
                .type = text(info->fs_type)};
  if (info->mask & kFsSubtype) out.type += cat(".", text(info->fs_subtype));
  if (!with_options) return out;
  out.options = text(info->mnt_opts);
  out.source = text(info->sb_source);
  return out;
}

Result<std::uint64_t> mount_id(BorrowedFd fd, unsigned mask) {
  struct statx stx {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (syscall(SYS_statx, fd, "", kFlags, mask, &stx) < 0)
    return fail_errno("statx");
  if (!(stx.stx_mask & mask)) return fail("statx: this kernel gives no mount ids (needs 5.8)");
  return stx.stx_mnt_id;
}

Result<std::vector<MountInfo>> read_mountinfo() {
  return parse_mountinfo(TRY(read_file("/proc/self/mountinfo", 64u << 20)));
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.size() > 1;
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::optional<Result<std::vector<MountInfo>>> list_below(BorrowedFd directory,
                                                         const std::string& path) {
  auto id = mount_id(directory, kStatxMountIdUnique);
  if (!id) return std::nullopt;
  std::vector<MountInfo> below;
  std::uint64_t last = 0;
  while (true) {
    std::uint64_t ids[256];
    MountIdRequest request{.mount_id = *id, .param = last};
    long count = syscall(kSysListmount, &request, ids, std::size(ids), 0);
    if (count < 0 && errno == ENOSYS) return std::nullopt;
    if (count < 0) return fail_errno("listmount");
    for (long i = 0; i < count; ++i) {
      auto info = statmount_by_id(ids[i], false);
      if (!info) return std::nullopt;
      if (!*info && info->error().code == ENOENT) continue;  // gone meanwhile
      if (!*info) return std::unexpected(info->error());
      if (is_below((*info)->mount_point, path)) below.push_back(std::move(**info));
    }
    if (count < static_cast<long>(std::size(ids))) return below;
    last = ids[count - 1];
  }
}

}  // namespace

Result<std::optional<NamedObject>> look_at(BorrowedFd directory, const char* name) {
  struct statx stx {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW;
  constexpr unsigned kMask = STATX_TYPE | STATX_INO | STATX_MNT_ID;
  if (syscall(SYS_statx, directory, name, kFlags, kMask, &stx) < 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail_errno(cat("statx ", name));
  }
  if (!(stx.stx_mask & STATX_MNT_ID)) return fail("statx: this kernel gives no mount ids (needs 5.8)");
  return NamedObject{.type = static_cast<std::uint32_t>(stx.stx_mode & S_IFMT),
                     .device = makedev(stx.stx_dev_major, stx.stx_dev_minor),
                     .inode = stx.stx_ino,
                     .mount = stx.stx_mnt_id};
}

std::string unescape_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto octal = [&](std::size_t k) { return text[k] >= '0' && text[k] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] -
                               '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<MountInfo> parse_mountinfo(std::string_view text) {
  std::vector<MountInfo> mounts;
  for (std::string_view line : split(text, '\n')) {
    auto fields = split(line, ' ');
    std::size_t dash = 6;
    while (dash < fields.size() && fields[dash] != "-") ++dash;
    if (fields.size() < 10 || dash + 3 >= fields.size() + 0) continue;
    auto numbers = split(fields[2], ':');
    MountInfo mount;
    mount.id = parse_decimal<std::uint64_t>(fields[0]).value_or(0);
    if (numbers.size() == 2)
      mount.device = makedev(parse_decimal<unsigned>(numbers[0]).value_or(0),
                             parse_decimal<unsigned>(numbers[1]).value_or(0));
    mount.root = unescape_octal(fields[3]);
    mount.mount_point = unescape_octal(fields[4]);
    mount.type = unescape_octal(fields[dash + 1]);
    mount.source = unescape_octal(fields[dash + 2]);
    mount.options = fields[dash + 3];
    for (std::size_t i = 6; i < dash; ++i) mount.propagation = fields[i].substr(0, fields[i].find(':'));
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

Result<MountInfo> mount_of(BorrowedFd fd, bool with_options) {
  if (auto id = mount_id(fd, kStatxMountIdUnique)) {
    if (auto info = statmount_by_id(*id, with_options)) return std::move(*info);
  }
  std::uint64_t id = TRY(mount_id(fd, STATX_MNT_ID));
  for (auto& mount : TRY(read_mountinfo()))
    if (mount.id == id) return std::move(mount);
  return fail(cat("mount ", id, " is not in /proc/self/mountinfo"));
}

Result<std::vector<MountInfo>> mounts_below(BorrowedFd directory, const std::string& path) {
  if (auto listed = list_below(directory, path)) return std::move(*listed);
  std::vector<MountInfo> below;
  for (auto& mount : TRY(read_mountinfo()))
    if (is_below(mount.mount_point, path)) below.push_back(std::move(mount));
  return below;
}

}  // namespace bulkhead::sys
