// The reader of cached seccomp programs: whatever it takes must be exactly what the writer makes.
#include <linux/bpf_common.h>

#include <cstring>
#include <string>

#include "fuzz.h"
#include "seccomp/cache.h"

namespace {

using namespace bulkhead::seccomp;

void read(std::string_view content, const CacheKey& key) {
  const auto program = decode_entry(content, key);
  if (!program) return;
  FUZZ_CHECK(!program->empty() && program->size() <= BPF_MAXINSNS);
  FUZZ_CHECK(encode_entry(key, *program) == content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > (64 + BPF_MAXINSNS * 8)) return 0;
  CacheKey key{};
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  read(content, key);
  // Behind a valid header: the input is the program.
  std::vector<sock_filter> program(size / sizeof(sock_filter));
  if (!program.empty()) std::memcpy(program.data(), data, program.size() * sizeof(sock_filter));
  std::string entry = encode_entry(key, program);
  read(entry, key);
  if (size > 2 && !entry.empty()) {
    entry[data[0] % entry.size()] ^= static_cast<char>(data[1] | 1);
    FUZZ_CHECK(!decode_entry(entry, key));  // one changed byte is always seen
  }
  return 0;
}
