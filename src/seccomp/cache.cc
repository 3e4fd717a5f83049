#include "seccomp/cache.h"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sha2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/log.h"
#include "seccomp/filter.h"
#include "seccomp/names.h"
#include "seccomp/profile.h"

namespace bulkhead::seccomp {
namespace {

// Raise it when entries or what compile_program() makes of a profile change.
constexpr std::uint32_t kFormat = 1;
constexpr char kMagic[8] = {'b', 'h', 's', 'e', 'c', 'c', 'm', 'p'};

struct Header {
  char magic[8];
  std::uint32_t format;
  std::uint32_t instructions;
  std::uint8_t key[32];
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 56 && sizeof(sock_filter) == 8);

class Writer {
 public:
  explicit Writer(std::size_t capacity) { bytes_.reserve(capacity); }
  void number(std::uint64_t value) {
    // Seven bits a byte: nearly every number here is small.
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  void optional(const std::optional<std::uint32_t>& value) {
    number(value ? std::uint64_t{*value} + 1 : 0);
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

void write_rule(Writer& out, const spec::SeccompSyscall& rule) {
  out.texts(rule.names);
  out.text(rule.action);
  out.optional(rule.errno_ret);
  out.number(rule.args.size());
  for (const auto& arg : rule.args) {
    out.number(arg.index);
    out.number(arg.value);
    out.number(arg.value_two);
    out.text(arg.op);
  }
}

// A bit per row of actions(). A system call each, about 0.1 us.
std::uint32_t kernel_actions() {
  std::uint32_t available = 0, bit = 1;
  for (const auto& row : actions()) {
    std::uint32_t action = row.action;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) available |= bit;
    bit <<= 1;
  }
  return available;
}

// FNV-1a over words instead of bytes: any change of one word changes the sum.
// Of a program as bytes, whole instructions.
std::uint64_t checksum(std::string_view program) {
  std::uint64_t sum = 0xcbf29ce484222325;
  std::uint64_t word = 0;
  for (; program.size() >= sizeof word; program.remove_prefix(sizeof word)) {
    std::memcpy(&word, program.data(), sizeof word);
    sum = (sum ^ word) * 0x100000001b3;
  }
  return sum;
}

}  // namespace

std::string canonical_bytes(const spec::Seccomp& profile) {
  const scmp_version* version = seccomp_version();
  Writer out(16384);
  out.text({kMagic, sizeof kMagic});
  out.number(kFormat);
  out.number(version->major);
  out.number(version->minor);
  out.number(version->micro);
  out.number(kernel_actions());
  out.number(seccomp_arch_native());
  out.text(profile.default_action);
  out.optional(profile.default_errno_ret);
  out.texts(profile.architectures);
  out.number(profile.syscalls.size());
  for (const auto& rule : profile.syscalls) write_rule(out, rule);
  return std::move(out).take();
}

CacheKey cache_key(const spec::Seccomp& profile) {
  const std::string bytes = canonical_bytes(profile);
  SHA2_CTX context;
  CacheKey key;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  SHA256Final(key.data(), &context);
  return key;
}

std::string encode_entry(const CacheKey& key, std::span<const sock_filter> program) {
  const char* data = reinterpret_cast<const char*>(program.data());
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.format = kFormat;
  header.instructions = static_cast<std::uint32_t>(program.size());
  std::memcpy(header.key, key.data(), key.size());
  header.checksum = checksum({data, program.size() * sizeof(sock_filter)});
  std::string content(reinterpret_cast<const char*>(&header), sizeof header);
  return content.append(data, program.size_bytes());
}

Result<std::vector<sock_filter>> decode_entry(std::string_view content, const CacheKey& key) {
  Header header;
  if (content.size() < sizeof header) return fail("shorter than its header");
  std::memcpy(&header, content.data(), sizeof header);
  content.remove_prefix(sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return fail("not a cache entry");
  if (header.format != kFormat) return fail("of another format");
  if (std::memcmp(header.key, key.data(), key.size()) != 0) return fail("of another profile");
  if (header.instructions == 0 || header.instructions > BPF_MAXINSNS)
    return fail("of an impossible number of instructions");
  if (content.size() != header.instructions * sizeof(sock_filter)) return fail("of a wrong size");
  if (checksum(content) != header.checksum) return fail("damaged");
  std::vector<sock_filter> program(header.instructions);
  std::memcpy(program.data(), content.data(), content.size());
  return program;
}

Result<Filter> compile_cached(const spec::Seccomp& profile, BorrowedFd cache_dir) {
  if (cache_dir < 0) return compile(profile);
  TRY(check(profile));
  Filter filter{.flags = TRY(flags_of(profile)), .has_notify = uses_notify(profile)};
  const CacheKey key = cache_key(profile);
  if (auto cached = load_entry(cache_dir, key)) {
    filter.program = std::move(*cached);
    return filter;
  } else if (cached.error().code != ENOENT) {
    log::debug(cached.error().message);
  }
  filter.program = TRY(compile_program(profile));
  if (auto stored = store_entry(cache_dir, key, filter.program); !stored)
    log::debug(stored.error().message);
  return filter;
}

}  // namespace bulkhead::seccomp
