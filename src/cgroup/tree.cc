#include "cgroup/tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

bool is_gone(int code) { return code == ENOENT || code == ENODEV; }

// One cgroup on the way down: its name in its parent, and its children not yet seen.
struct Level {
  std::string name;
  std::vector<std::string> pending;
};

// The depth-first walk under `top`. `enter` sees a cgroup before its children, `leave` sees its
// parent's fd and its name after them; either may be empty.
Result<> traverse(BorrowedFd top, const std::function<Result<>(BorrowedFd)>& enter,
                  const std::function<Result<>(BorrowedFd, const char*)>& leave) {
  UniqueFd current = open_listable(top, ".");
  if (!current) return is_gone(errno) ? Result<>() : fail_errno("open cgroup");
  if (enter) TRY(enter(current.get()));
  std::vector<Level> levels;
  levels.push_back({"", TRY(child_names(current.get(), "."))});
  while (true) {
    Level& level = levels.back();
    if (!level.pending.empty()) {
      std::string name = std::move(level.pending.back());
      level.pending.pop_back();
      UniqueFd next = open_listable(current.get(), name.c_str());
      if (!next && is_gone(errno)) continue;
      if (!next) return fail_errno(cat("open cgroup ", name));
      current = std::move(next);
      if (enter) TRY(enter(current.get()));
      levels.push_back({std::move(name), TRY(child_names(current.get(), "."))});
      continue;
    }
    std::string name = std::move(level.name);
    levels.pop_back();
    if (levels.empty()) return {};
    current = open_listable(current.get(), "..");
    if (!current) return fail_errno(cat("open the parent of cgroup ", name));
    if (leave) TRY(leave(current.get(), name.c_str()));
  }
}

// Appends the pids of one cgroup.procs.
Result<> append_processes(BorrowedFd dir, std::vector<pid_t>& pids) {
  auto text = read_file(dir, "cgroup.procs", 64u << 20);
  if (!text) {
    // v2 answers EOPNOTSUPP for a threaded cgroup: its processes are listed in the domain above.
    int code = text.error().code;
    return is_gone(code) || code == EOPNOTSUPP ? Result<>() : std::unexpected(text.error());
  }
  for (std::string_view line : split(*text, '\n'))
    if (auto pid = parse_decimal<pid_t>(line); pid && *pid > 0) pids.push_back(*pid);
  return {};
}

}  // namespace

Result<std::vector<std::string>> child_names(BorrowedFd dir, const char* name) {
  UniqueFd directory = open_listable(dir, name);
  if (!directory) return fail_errno("open cgroup directory");
  std::unique_ptr<DIR, CloseDir> stream(fdopendir(directory.get()));
  if (!stream) return fail_errno("list cgroup directory");
  (void)directory.release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    std::string_view child = entry->d_name;
    if (entry->d_type == DT_DIR && child != "." && child != "..") names.emplace_back(child);
  }
  if (errno != 0 && !is_gone(errno)) return fail_errno("list cgroup directory");
  return names;
}

Result<> walk(BorrowedFd top, const std::function<Result<>(BorrowedFd)>& visit) {
  return traverse(top, visit, {});
}

Result<std::vector<pid_t>> processes_below(BorrowedFd top) {
  std::vector<pid_t> pids;
  TRY(walk(top, [&](BorrowedFd dir) { return append_processes(dir, pids); }));
  std::ranges::sort(pids);
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

Result<> remove_tree(BorrowedFd dir, const char* path) {
  if (unlinkat(dir, path, AT_REMOVEDIR) == 0 || is_gone(errno)) return {};
  if (errno != EBUSY) return fail_errno(cat("remove cgroup ", path));
  UniqueFd top = open_directory(dir, path);
  if (!top) return is_gone(errno) ? Result<>() : fail_errno(cat("open cgroup ", path));
  TRY(traverse(top.get(), {}, [](BorrowedFd parent, const char* name) -> Result<> {
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || is_gone(errno)) return {};
    return fail_errno(cat("remove cgroup ", name));
  }));
  if (unlinkat(dir, path, AT_REMOVEDIR) == 0 || is_gone(errno)) return {};
  return fail_errno(cat("remove cgroup ", path));
}

}  // namespace bulkhead::cgroup
