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

inline constexpr std::size_t kManifestBytes = 4u << 20;     // registries refuse larger ones (OCI)
inline constexpr std::size_t kManifests = 512;              // entries of an index, layers of an image
inline constexpr std::size_t kFetchedManifests = 16;        // platforms of one index that are looked at
inline constexpr std::size_t kTokenBytes = 64u << 10;       // a token server's answer
inline constexpr std::size_t kHttpHeadBytes = 64u << 10;    // of one request or answer
inline constexpr std::size_t kRegistryFrameBytes = 256u << 10;
inline constexpr std::size_t kRegistryMessageBytes = 2048;  // of an error for the guard
inline constexpr std::size_t kRegistryRequests = 256;       // waiting at a time
inline constexpr std::size_t kRegistryWorkers = 8;          // at work at a time
inline constexpr std::size_t kRegistryCacheEntries = 4096;
inline constexpr std::size_t kCertificateBytes = 1u << 20;  // one file of certs.d

// The guard. A request over a limit is refused, never passed on unread.
inline constexpr std::size_t kHttpHeaders = 100;
inline constexpr std::size_t kApiBodyBytes = 4u << 20;     // JSON bodies of requests; Docker's are below 64 KB
inline constexpr std::size_t kApiBodiesBytes = 256u << 20; // of all requests and answers that are read at a time
inline constexpr std::size_t kApiFactBytes = 16u << 20;    // answers of the engine to the guard's own questions
inline constexpr std::size_t kApiQueryBytes = 48u << 10;   // of a request's target
inline constexpr std::size_t kApiConnections = 8192;       // of one guard
inline constexpr std::size_t kApiConnectionsOfUser = 4096; // of them, from one user
inline constexpr std::size_t kApiFacts = 256;              // questions that one request may cause

}  // namespace bulkhead::limits
