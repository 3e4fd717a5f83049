#include "cgroup/make.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/freezer.h"
#include "cgroup/tree.h"

namespace bulkhead::cgroup {
namespace {

// Removes `path` and its next ancestors, so many in all, as far as nobody else uses them.
void unmake_path(BorrowedFd root, const std::string& prefix, std::string path,
                 std::size_t components) {
  while (components-- > 0) {
    if (unlinkat(root, (prefix + path).c_str(), AT_REMOVEDIR) != 0) return;
    path.resize(path.rfind('/'));
  }
}

// mkdir of every component in turn; the number of trailing ones that were new. On error those that
// were made are removed: they are in a row, as what is below a new one can only be new (or a
// control file of that name, at which the next mkdir fails).
Result<std::size_t> make_components(BorrowedFd root, const std::string& prefix,
                                    const std::string& path) {
  std::size_t made = 0;
  std::string last_made;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = path.substr(0, end);
    if (mkdirat(root, (prefix + part).c_str(), 0755) == 0) {
      ++made;
      last_made = part;
    } else if (errno != EEXIST) {
      int code = errno;
      unmake_path(root, prefix, last_made, made);
      return fail_errno(cat("make cgroup ", prefix, part), code);
    }
    if (end == std::string::npos) return last_made == path ? made : 0;
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

void unmake_cgroup(BorrowedFd root, const Hierarchy& hierarchy, const std::string& path,
                   std::size_t components) {
  unmake_path(root, hierarchy.name, path, components);
}

}  // namespace bulkhead::cgroup
