#include "runtime/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "runtime/context.h"
#include "seccomp/filter.h"
#include "spec/read.h"
#include "sys/file.h"

namespace bulkhead::runtime {
namespace {

// The cache of compiled filters: a directory of root's alone. -1 when it cannot be had; that costs
// time only.
UniqueFd open_cache() {
  auto run = sys::make_directories(kRunDirectory, 0711);
  if (!run) return UniqueFd();
  ::mkdirat(run->get(), "seccomp", 0700);
  auto cache = sys::open_at(run->get(), "seccomp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return cache ? std::move(*cache) : UniqueFd();
}

}  // namespace

Result<Bundle> load_bundle(const std::string& path) {
  Bundle bundle;
  UniqueFd directory = TRY_IN("bundle", sys::open_path(path, O_PATH | O_DIRECTORY));
  bundle.path = TRY(sys::fd_path(directory.get()));
  std::string file = cat(bundle.path, "/config.json");
  bundle.config = TRY_IN(file, sys::read_file_at(directory.get(), "config.json", limits::kConfigBytes));
  bundle.spec = TRY_IN(file, spec::read_spec(bundle.config));
  if (!bundle.spec.root) return fail(cat(file, ": root: missing"));
  if (!bundle.spec.process) return fail(cat(file, ": process: missing"));
  UniqueFd root = TRY_IN(cat(file, ": root.path"),
                         sys::open_at(directory.get(), bundle.spec.root->path, O_PATH | O_DIRECTORY));
  bundle.rootfs = TRY(sys::fd_path(root.get()));
  bundle.spec.root->path = bundle.rootfs;
  return bundle;
}

Result<sandbox::Prepared> prepare_process(const spec::Spec& spec, spec::Process process,
                                          const std::vector<std::string>& environment) {
  process.env.insert(process.env.end(), environment.begin(), environment.end());
  auto prepared = TRY(sandbox::prepare(process, spec.linux_.personality_domain));
  if (spec.linux_.seccomp) {
    UniqueFd cache = open_cache();
    prepared.filter = TRY(seccomp::compile_cached(*spec.linux_.seccomp, cache.get()));
  }
  for (const auto& warning : prepared.warnings) log::warn(warning);
  return prepared;
}

}  // namespace bulkhead::runtime
