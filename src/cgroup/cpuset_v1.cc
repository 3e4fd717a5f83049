#include "cgroup/cpuset_v1.h"

#include "base/strings.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

// The value of `file` in `path`, taken from above where it is empty. The mount's root has one.
Result<std::string> ensure(BorrowedFd root, const std::string& path, const char* file) {
  std::string name = cat(path, "/", file);
  std::string own = TRY(read_file(root, name.c_str()));
  if (!trim(own).empty()) return std::string(trim(own));
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return fail(cat("the root's ", file, " is empty"));
  std::string value = TRY(ensure(root, path.substr(0, slash), file));
  int code = write_file(root, name.c_str(), value);
  if (code != 0) return fail_errno(cat("write \"", value, "\" to ", name), code);
  return value;
}

// The container's own cgroup was made just now: it has neither, unless the parent's
// cgroup.clone_children gave it both, in which case the write changes nothing.
Result<> inherit(BorrowedFd root, const std::string& path, const char* file) {
  std::string value = TRY(ensure(root, path.substr(0, path.rfind('/')), file));
  int code = write_file(root, cat(path, "/", file).c_str(), value);
  if (code != 0) return fail_errno(cat("write \"", value, "\" to ", path, "/", file), code);
  return {};
}

}  // namespace

Result<> inherit_cpuset(BorrowedFd root, const std::string& path, const spec::CpuResources& cpu) {
  if (cpu.cpus.empty()) TRY(inherit(root, path, "cpuset.cpus"));
  else TRY(ensure(root, path.substr(0, path.rfind('/')), "cpuset.cpus"));
  if (cpu.mems.empty()) return inherit(root, path, "cpuset.mems");
  TRY(ensure(root, path.substr(0, path.rfind('/')), "cpuset.mems"));
  return {};
}

}  // namespace bulkhead::cgroup
