// config.json, process.json and resources files: no input crashes, and what is accepted keeps the
// promises of spec/read.h.
#include <algorithm>
#include <string_view>

#include "base/limits.h"
#include "fuzz.h"
#include "spec/read.h"

namespace {

using namespace bulkhead;

bool is_clean(std::string_view text) { return text.find('\0') == text.npos; }

void check_process(const spec::Process& process) {
  FUZZ_CHECK(!process.args.empty() && process.args.size() <= limits::kArgs);
  FUZZ_CHECK(process.cwd.starts_with('/') && is_clean(process.cwd));
  FUZZ_CHECK(std::ranges::all_of(process.args, is_clean));
  FUZZ_CHECK(std::ranges::all_of(process.env, is_clean));
  FUZZ_CHECK(process.user.uid != UINT32_MAX && process.user.gid != UINT32_MAX);
  FUZZ_CHECK(std::ranges::count(process.user.additional_gids, UINT32_MAX) == 0);
}

void check_spec(const spec::Spec& spec) {
  FUZZ_CHECK(spec.oci_version.starts_with("1."));
  FUZZ_CHECK(spec.root && !spec.root->path.empty() && is_clean(spec.root->path));
  FUZZ_CHECK(spec.mounts.size() <= limits::kMounts);
  for (const auto& mount : spec.mounts)
    FUZZ_CHECK(mount.destination.starts_with('/') && is_clean(mount.source));
  for (const auto& mapping : spec.linux_.uid_mappings)
    FUZZ_CHECK(mapping.size > 0 && mapping.host_id + mapping.size > mapping.host_id);
  if (spec.process) check_process(*spec.process);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto spec = spec::read_spec(text);
  if (spec) check_spec(*spec);
  FUZZ_CHECK(spec || !spec.error().message.empty());
  if (auto process = spec::read_process(text)) check_process(*process);
  auto resources = spec::read_resources(text);
  FUZZ_CHECK(resources || !resources.error().message.empty());
  return 0;
}
