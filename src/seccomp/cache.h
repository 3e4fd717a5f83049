// Compiled programs by content. An entry is a file named by its key in a directory that only root
// can write; whatever is wrong with it makes it a miss.
//
// The key covers everything that compile_program() reads: the profile (not its flags and listener,
// which do not change the program), libseccomp's version, the kernel's actions (libseccomp leaves
// out what the kernel lacks), the architecture and the format of entries.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "spec/types.h"

namespace bulkhead::seccomp {

inline constexpr std::size_t kCacheEntries = 64;  // profiles on one machine: a handful

using CacheKey = std::array<std::uint8_t, 32>;  // SHA-256

// The bytes under the key: every string and list with its length in front, so that two profiles
// that differ never serialise alike.
std::string canonical_bytes(const spec::Seccomp& profile);

CacheKey cache_key(const spec::Seccomp& profile);

// An entry's file content for `program`, and back. Decoding fails on a wrong magic, format, key,
// size, count (1 to BPF_MAXINSNS) or checksum; the checksum is against damage: who can write here
// is root already.
std::string encode_entry(const CacheKey& key, std::span<const sock_filter> program);
Result<std::vector<sock_filter>> decode_entry(std::string_view content, const CacheKey& key);

// The program stored under `key`. Errors: there is none (code ENOENT), the directory or the file
// could have been written by someone else, or it is damaged.
Result<std::vector<sock_filter>> load_entry(BorrowedFd cache_dir, const CacheKey& key);

// Stores `program` and removes the entries longest unused over kCacheEntries. Safe against other
// writers and against being killed: readers see a whole entry or none.
Result<> store_entry(BorrowedFd cache_dir, const CacheKey& key,
                     std::span<const sock_filter> program);

}  // namespace bulkhead::seccomp
