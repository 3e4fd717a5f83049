#include "cgroup/oom.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/strings.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

Result<std::uint64_t> kills_v2(BorrowedFd dir) {
  std::string events = TRY(read_file(dir, "memory.events"));
  return parse_decimal<std::uint64_t>(flat_value(events, "oom_kill")).value_or(0);
}

Result<UniqueFd> duplicate(BorrowedFd dir) {
  UniqueFd copy(fcntl(dir, F_DUPFD_CLOEXEC, 3));
  if (!copy) return fail_errno("duplicate a cgroup's descriptor");
  return copy;
}

// inotify takes paths only.
Result<> add_watch(BorrowedFd notify, BorrowedFd dir, const char* name) {
  std::string path = cat("/proc/self/fd/", dir, "/", name);
  if (inotify_add_watch(notify, path.c_str(), IN_MODIFY) < 0)
    return fail_errno(cat("watch ", name));
  return {};
}

}  // namespace

Result<OomWatch> OomWatch::open_v1(BorrowedFd dir) {
  OomWatch watch;
  watch.directory_ = TRY(duplicate(dir));
  watch.control_ = UniqueFd(openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC));
  if (!watch.control_) return fail_errno("open memory.oom_control");
  watch.notify_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!watch.notify_) return fail_errno("eventfd");
  int code = write_file(dir, "cgroup.event_control",
                        cat(watch.notify_.get(), " ", watch.control_.get()));
  if (code != 0) return fail_errno("register with cgroup.event_control", code);
  return watch;
}

Result<OomWatch> OomWatch::open_v2(BorrowedFd dir) {
  OomWatch watch;
  watch.unified_ = true;
  watch.directory_ = TRY(duplicate(dir));
  watch.notify_ = UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.notify_) return fail_errno("inotify_init1");
  TRY(add_watch(watch.notify_.get(), dir, "memory.events"));
  TRY(add_watch(watch.notify_.get(), dir, "cgroup.events"));
  watch.last_ = TRY(kills_v2(dir));
  return watch;
}

Result<OomWatch::News> OomWatch::take() { return unified_ ? take_v2() : take_v1(); }

// The kernel signals the eventfd for an OOM and also when the cgroup is removed.
Result<OomWatch::News> OomWatch::take_v1() {
  std::uint64_t count = 0;
  ssize_t got = read(notify_.get(), &count, sizeof count);
  if (got < 0 && errno != EAGAIN && errno != EINTR) return fail_errno("read the OOM eventfd");
  if (faccessat(directory_.get(), "memory.oom_control", F_OK, 0) != 0) return News{0, true};
  return News{got == sizeof count ? count : 0, false};
}

Result<OomWatch::News> OomWatch::take_v2() {
  alignas(inotify_event) char buffer[4096];
  while (read(notify_.get(), buffer, sizeof buffer) > 0) {
  }
  auto kills = kills_v2(directory_.get());
  auto events = read_file(directory_.get(), "cgroup.events");
  if (!kills || !events) return News{0, true};
  News news{*kills - last_, flat_value(*events, "populated") == "0"};
  last_ = *kills;
  return news;
}

}  // namespace bulkhead::cgroup
