#include "sys/namespace.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::sys {

const NamespaceKind* find_namespace_kind(std::string_view oci_name) {
  for (const auto& kind : kNamespaceKinds)
    if (oci_name == kind.oci_name) return &kind;
  return nullptr;
}

Result<UniqueFd> open_namespace(pid_t pid, const char* proc_name) {
  std::string who = pid == 0 ? "self" : std::to_string(pid);
  return open_path(cat("/proc/", who, "/ns/", proc_name), O_RDONLY);
}

Result<> join_namespace(BorrowedFd fd, int clone_flag, std::string_view name) {
  if (::setns(fd, clone_flag) < 0) return fail_errno(cat("join namespace ", name));
  return {};
}

Result<int> namespace_type(BorrowedFd fd, std::string_view name) {
  int type = ::ioctl(fd, NS_GET_NSTYPE);
  if (type < 0) return fail_errno(cat(name, ": is not a namespace"));
  return type;
}

Result<UniqueFd> owner_of(BorrowedFd fd) {
  UniqueFd owner(::ioctl(fd, NS_GET_USERNS));
  if (!owner) return fail_errno("owner of a namespace");
  return owner;
}

Result<Identity> namespace_identity(BorrowedFd fd) {
  return identity(TRY(stat_fd(fd, "namespace")));
}

Result<std::vector<IdRange>> read_id_map(BorrowedFd user_ns, const char* file) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd in(ends[0]), out(ends[1]);
  pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) {
    char text[4096];
    ssize_t size = -1;
    int proc = ::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc >= 0 && ::setns(user_ns, CLONE_NEWUSER) == 0) {
      int fd = ::openat(proc, file, O_RDONLY | O_CLOEXEC);
      if (fd >= 0) size = ::read(fd, text, sizeof text);
    }
    if (size > 0) size = ::write(out.get(), text, static_cast<std::size_t>(size));
    ::_exit(size > 0 ? 0 : 1);
  }
  out.reset();
  auto text = read_all(in.get(), limits::kSmallFileBytes, file);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return std::unexpected(text.error());
  if (status != 0) return fail(cat("cannot read ", file, " of the user namespace to join"));
  std::vector<IdRange> ranges;
  for (std::string_view line : split(*text, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (std::string_view word : split(line, ' '))
      if (auto number = parse_decimal<std::uint32_t>(word)) numbers.push_back(*number);
    if (numbers.size() == 3) ranges.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return ranges;
}

}  // namespace bulkhead::sys
