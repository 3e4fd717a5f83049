#include "sandbox/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace bulkhead::sandbox {
namespace {

const std::string& joined_path(const plan::Plan& plan, std::string_view type) {
  static const std::string none;
  for (const auto& ns : plan.namespaces)
    if (ns.type == type) return ns.path;
  return none;
}

std::uint64_t new_namespace_flags(const plan::Plan& plan) {
  std::uint64_t flags = 0;
  for (const auto& ns : plan.namespaces) {
    const auto* kind = sys::find_namespace_kind(ns.type);
    // The mount and cgroup namespaces are unshared by the process itself when the tree and its
    // cgroup are there; a time namespace takes offsets first, a network namespace time.
    bool later = ns.type == "mount" || ns.type == "cgroup" || ns.type == "time" || ns.type == "network";
    if (ns.path.empty() && !later) flags |= static_cast<std::uint64_t>(kind->clone_flag);
  }
  return flags;
}

std::string time_offsets(const spec::Spec& spec) {
  std::string text;
  for (const auto& [clock, offset] : spec.linux_.time_offsets)
    text += cat(clock, " ", offset.seconds, " ", offset.nanoseconds, "\n");
  if (!spec.linux_.time_offsets.contains("boottime")) {
    // Uptime counts from here (R7): /proc/uptime, sysinfo(2) and CLOCK_BOOTTIME, by the kernel.
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    text += cat("boottime ", -now.tv_sec - 1, " ", 1000000000 - now.tv_nsec - (now.tv_nsec == 0), "\n");
  }
  return text;
}

struct Sockets {
  UniqueFd parent, child;
  static Result<Sockets> make() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
      return fail_errno("socketpair");
    return Sockets{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

// Enters the namespaces to join, the user namespace last because the rights over the others come
// from the initial one, and clones the init from there as a child of the caller (CLONE_PARENT).
Result<pid_t> clone_joined(const plan::Plan& plan, std::uint64_t flags, BorrowedFd cgroup,
                         const InitArguments& init) {
  std::vector<std::pair<UniqueFd, const plan::NamespacePlan*>> joined;
  for (const auto& ns : plan.namespaces) {
    if (ns.path.empty()) continue;
    UniqueFd fd = TRY_IN(cat("join ", ns.type), sys::open_path(ns.path, O_RDONLY));
    if (ns.type == "user") {  // named by a namespace that it owns
      if (TRY(sys::namespace_type(fd.get(), ns.path)) != CLONE_NEWUSER) fd = TRY(sys::owner_of(fd.get()));
      joined.emplace_back(std::move(fd), &ns);
    } else {
      joined.emplace(joined.begin(), std::move(fd), &ns);
    }
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  pid_t helper = TRY(sys::clone_process(0));
  if (helper == 0) {
    struct { std::int32_t pid, code; } answer{-1, 0};
    for (const auto& [fd, ns] : joined)
      if (::setns(fd.get(), sys::find_namespace_kind(ns->type)->clone_flag) < 0) {
        answer.code = errno;
        [[maybe_unused]] auto n = ::write(write_end.get(), &answer, sizeof answer);
        ::_exit(1);
      }
    auto pid = sys::clone_process(flags | CLONE_PARENT, cgroup);
    if (pid && *pid == 0) run_init(init);
    answer = pid ? decltype(answer){*pid, 0} : decltype(answer){-1, pid.error().code};
    [[maybe_unused]] auto n = ::write(write_end.get(), &answer, sizeof answer);
    ::_exit(0);
  }
  write_end.reset();
  struct { std::int32_t pid, code; } answer{-1, EIO};
  [[maybe_unused]] auto n = ::read(read_end.get(), &answer, sizeof answer);
  TRY(sys::wait_for(helper));
  if (answer.pid < 0) return fail_errno("join the namespaces of the other container", answer.code);
  return answer.pid;
}

// A network namespace that an engine made in the initial user namespace is entered by the caller:
// the new user namespace has no right over it.
Result<pid_t> clone_new(const plan::Plan& plan, std::uint64_t flags, BorrowedFd cgroup,
                         const InitArguments& init) {
  const std::string& network = joined_path(plan, "network");
  auto spawn = [&]() -> Result<pid_t> {
    pid_t pid = TRY(sys::clone_process(flags, cgroup));
    if (pid == 0) run_init(init);
    return pid;
  };
  if (network.empty()) return spawn();
  UniqueFd there = TRY(sys::open_path(network, O_RDONLY));
  UniqueFd back = TRY(sys::open_namespace(0, "net"));
  return inside(there.get(), back.get(), CLONE_NEWNET, spawn);
}

Result<> set_limit(pid_t pid, const ResourceLimit& limit, std::vector<std::string>& warnings) {
  if (::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &limit.limit, nullptr) == 0)
    return {};
  if (errno != EPERM) return fail_errno(cat("set ", limit.name));
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(limit.resource), &now) < 0)
    return fail_errno(cat("get ", limit.name));
  rlimit possible{std::min(limit.limit.rlim_cur, now.rlim_max), std::min(limit.limit.rlim_max, now.rlim_max)};
  if (::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &possible, nullptr) < 0)
    return fail_errno(cat("set ", limit.name));
  warnings.push_back(cat(limit.name, " stays at ", possible.rlim_max, ": the host lacks CAP_SYS_RESOURCE"));
  return {};
}

Result<> set_oom_score(pid_t pid, int score, std::vector<std::string>& warnings) {
  auto written = sys::write_file_at(AT_FDCWD, cat("/proc/", pid, "/oom_score_adj"), std::to_string(score));
  if (written) return {};
  if (written.error().code != EACCES && written.error().code != EPERM)
    return std::unexpected(std::move(written).error().wrap("process.oomScoreAdj"));
  warnings.push_back(cat("oomScoreAdj ", score, " is not applied: the host lacks CAP_SYS_RESOURCE"));
  return {};
}

}  // namespace

Init::Init(Init&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), sync_(std::move(other.sync_)), waits_(other.waits_),
      has_told_(other.has_told_) {}

Init::~Init() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  [[maybe_unused]] auto status = sys::wait_for(pid_);
}

Result<Init> Init::clone(const LaunchInputs& in) {
  Sockets sockets = TRY(Sockets::make());
  UniqueFd proc = TRY(sys::open_path("/proc", O_PATH | O_DIRECTORY));
  auto is_new = [&](std::string_view type) { return joined_path(in.plan, type).empty(); };
  InitArguments arguments{.process = in.process,
                          .cgroup_tasks = in.entrance.tasks,
                          .spec = in.spec,
                          .sysctls = in.plan.sysctls,
                          .ids = in.ids,
                          .fds = {.sync = sockets.child.get(),
                                  .proc = proc.get(),
                                  .start_fifo = in.start_fifo,
                                  .preserved = in.preserved_fds},
                          .new_network = in.plan.new_network,
                          .new_uts = is_new("uts"),
                          .new_cgroup = is_new("cgroup"),
                          .new_time = is_new("time"),
                          .new_user = is_new("user"),
                          .root_propagation = in.plan.root.propagation,
                          .time_offsets = time_offsets(in.spec),
                          .keyring = in.keyring,
                          .start_hooks = &in.spec.hooks.start_container,
                          .hook_state = in.hook_state};
  std::uint64_t flags = new_namespace_flags(in.plan);
  BorrowedFd cgroup = in.entrance.clone_into.get();
  pid_t pid = TRY(is_new("user") ? clone_new(in.plan, flags, cgroup, arguments)
                                 : clone_joined(in.plan, flags, cgroup, arguments));
  return Init(pid, std::move(sockets.parent), in.start_fifo >= 0);
}

Result<> Init::map_ids(const HostIds& ids) {
  UniqueFd proc = TRY(sys::open_path(cat("/proc/", pid_), O_PATH | O_DIRECTORY));
  TRY(sys::write_file_at(proc.get(), "uid_map", cat("0 ", ids.uid, " ", ids.size, "\n")));
  return sys::write_file_at(proc.get(), "gid_map", cat("0 ", ids.gid, " ", ids.size, "\n"));
}

Result<std::vector<std::string>> Init::apply_limits(const Prepared& process) {
  std::vector<std::string> warnings;
  for (const auto& limit : process.limits) TRY(set_limit(pid_, limit, warnings));
  if (process.oom_score_adj) TRY(set_oom_score(pid_, *process.oom_score_adj, warnings));
  if (process.scheduler &&
      syscall(SYS_sched_setattr, pid_, &*process.scheduler, 0) < 0)
    return fail_errno("process.scheduler");
  if (process.io_priority && syscall(SYS_ioprio_set, 1, pid_, *process.io_priority) < 0)
    return fail_errno("process.ioPriority");
  if (!process.cpu_affinity_initial.empty() &&
      syscall(SYS_sched_setaffinity, pid_, process.cpu_affinity_initial.size() * 8,
              process.cpu_affinity_initial.data()) < 0)
    return fail_errno("process.execCPUAffinity");
  return warnings;
}

Result<> Init::begin_network() { return proceed(-1); }

Result<> Init::proceed(BorrowedFd terminal) {
  if (terminal >= 0) return sys::send_fd(sync_.get(), terminal, "g");
  if (::send(sync_.get(), "g", 1, MSG_NOSIGNAL) < 0) return fail_errno("the container's init is gone");
  return {};
}

// The socket was closed without a word: by exec (the end of `exec`), or because the process died.
Result<> Init::judge_end() const {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  if (info.si_code != CLD_EXITED)
    return fail(cat("the container's process was killed by signal ", info.si_status,
                    " during set-up (out of memory?)"));
  return fail(cat("the container's process ended during set-up with status ", info.si_status));
}

// What the init sends; `closed`: nothing more comes.
struct Init::Message {
  Report report;
  UniqueFd fd;
  bool closed = false;
};

Result<Init::Message> Init::receive(int flags) const {
  Message message;
  iovec data{&message.report, sizeof message.report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got;
  do got = ::recvmsg(sync_.get(), &header, MSG_CMSG_CLOEXEC | flags);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("wait for the container's init");
  message.closed = got == 0;
  message.report.text[sizeof message.report.text - 1] = '\0';
  if (cmsghdr* attached = CMSG_FIRSTHDR(&header)) {
    int fd = -1;
    memcpy(&fd, CMSG_DATA(attached), sizeof fd);
    message.fd = UniqueFd(fd);
  }
  return message;
}

// Its failure, if that is what the message says.
Result<> Init::judge(const Message& message) {
  const Report& report = message.report;
  has_told_ = message.closed || report.kind == Report::Kind::kError;
  if (message.closed) return judge_end();
  if (report.kind != Report::Kind::kError) return {};
  return report.code != 0 ? fail_errno(report.text, report.code) : fail(report.text);
}

Result<> Init::await_network() {
  Message message = TRY(receive(0));
  TRY(judge(message));
  if (message.report.kind != Report::Kind::kNetwork) return fail("the container's init is out of step");
  return {};
}

Result<> Init::await_ready(const ListenerSink& listener) {
  bool ready = false;  // of an exec: what follows is its end by execve, or execve's error
  while (true) {
    Message message = TRY(receive(0));
    if (ready && message.closed) return {};
    TRY(judge(message));
    ready = message.report.kind == Report::Kind::kReady;
    if (ready && waits_) return {};
    if (ready) continue;
    if (!message.fd) return fail("the seccomp listener did not arrive");
    TRY(listener(std::move(message.fd)));
  }
}

Result<> Init::explain(Result<> outcome) const {
  if (outcome || has_told_) return outcome;
  auto message = receive(MSG_DONTWAIT);
  if (!message) return outcome;  // it has said nothing and lives
  const Report& report = message->report;
  if (message->closed) {
    auto end = judge_end();
    return end ? outcome : end;
  }
  if (report.kind != Report::Kind::kError) return outcome;
  return report.code != 0 ? fail_errno(report.text, report.code) : fail(report.text);
}

pid_t Init::release() { return std::exchange(pid_, -1); }

}  // namespace bulkhead::sandbox
