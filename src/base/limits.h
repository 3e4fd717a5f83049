// Every limit in one place. Over a limit is an error that names it, never a truncation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bulkhead::limits {

inline constexpr std::size_t kConfigBytes = 16u << 20;   // config.json; a Docker one is 10-30 KB
inline constexpr std::size_t kPolicyBytes = 1u << 20;    // admin-settings.json
inline constexpr std::size_t kStateBytes = 16u << 20;    // our own state.json (holds annotations)
inline constexpr std::size_t kJsonDepth = 32;
inline constexpr std::size_t kJsonItems = 1u << 16;      // elements of any one array or map
inline constexpr std::size_t kContainerIdBytes = 1024;   // as runc
inline constexpr std::size_t kMounts = 4096;
inline constexpr std::size_t kArgs = 1u << 16;           // args, and env entries, each
inline constexpr std::size_t kGroups = 1u << 16;         // kernel: NGROUPS_MAX
inline constexpr std::size_t kHooks = 1024;              // per kind
inline constexpr std::size_t kSeccompInstructions = 32768;  // kernel: BPF_MAXINSNS is 4096 per filter
inline constexpr std::uint32_t kIdRange = 65536;            // ids per container
inline constexpr std::uint32_t kIdRanges = 4096;            // ranges in the default pool
// Cgroups below a container's own (v2): with a memory controller each takes one of the host's 65535
// ids. Kubernetes nodes in a container need about a thousand.
inline constexpr std::size_t kCgroups = 8192;
inline constexpr std::size_t kSmallFileBytes = 1u << 20;    // /proc and /sys files, pid files
inline constexpr std::size_t kLayerDepth = 256;  // directories within each other, when layers are merged
inline constexpr std::size_t kViewNodes = 1024;  // inodes that a host view holds open at a time

}  // namespace bulkhead::limits
