#include "cgroup/make.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/freezer.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

// mkdir of every component in turn; the number of trailing ones that were new.
Result<std::size_t> make_components(BorrowedFd root, const std::string& prefix,
                                    const std::string& path) {
  std::size_t made = 0;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = cat(prefix, path.substr(0, end));
    if (mkdirat(root, part.c_str(), 0755) == 0) ++made;
    else if (errno != EEXIST) return fail_errno(cat("make cgroup ", part));
    else made = 0;
    if (end == std::string::npos) return made;
  }
}

// How many trailing components are new; 0: the cgroup exists. The parent is almost always there.
// Another container's rollback may remove it between two of our calls: a few rounds settle that.
Result<std::size_t> make_path(BorrowedFd root, const std::string& prefix, const std::string& path) {
  std::string whole = prefix + path;
  for (int round = 0;; ++round) {
    if (mkdirat(root, whole.c_str(), 0755) == 0) return 1;
    if (errno == EEXIST) return 0;
    if (errno != ENOENT) return fail_errno(cat("make cgroup ", whole));
    auto made = make_components(root, prefix, path);
    if (made || made.error().code != ENOENT || round == 8) return made;
  }
}

Result<> refuse_used(BorrowedFd root, const Hierarchy& hierarchy, const std::string& whole) {
  UniqueFd old = open_directory(root, whole.c_str());
  if (!old && errno == ENOENT) return {};
  if (!old) return fail_errno(cat("open cgroup ", whole));
  if (!TRY_IN(whole, processes_below(old.get())).empty())
    return fail(cat("cgroup ", whole, " already has processes in it"));
  bool frozen = (hierarchy.unified && TRY(is_frozen_v2(old.get()))) ||
                (hierarchy.has("freezer") && TRY(is_frozen_v1(old.get())));
  if (frozen) return fail(cat("cgroup ", whole, " exists and is frozen; remove it"));
  return {};
}

}  // namespace

Result<Made> make_cgroup(BorrowedFd root, const Hierarchy& hierarchy, const std::string& path,
                         Existing existing) {
  std::string whole = hierarchy.name + path;
  Made made;
  made.components = TRY(make_path(root, hierarchy.name, path));
  if (made.components == 0 && existing == Existing::kReplace) {
    TRY(refuse_used(root, hierarchy, whole));
    TRY(remove_tree(root, whole.c_str()));
    made.components = TRY(make_path(root, hierarchy.name, path));
    if (made.components == 0) return fail(cat("cgroup ", whole, " is in use by somebody else"));
  }
  made.directory = open_directory(root, whole.c_str());
  if (made.directory) return made;
  int code = errno;
  unmake_cgroup(root, hierarchy, path, made.components);
  return fail_errno(cat("open cgroup ", whole), code);
}

void unmake_cgroup(BorrowedFd root, const Hierarchy& hierarchy, std::string path,
                   std::size_t components) {
  if (components == 0) return;
  (void)remove_tree(root, (hierarchy.name + path).c_str());
  while (--components > 0) {
    path.resize(path.rfind('/'));
    if (unlinkat(root, (hierarchy.name + path).c_str(), AT_REMOVEDIR) != 0) return;
  }
}

}  // namespace bulkhead::cgroup
