#include "runtime/hooks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/write.h"
#include "sandbox/hooks.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace bulkhead::runtime {

std::string oci_state(const State& state, const char* status, const spec::StringMap& annotations,
                      bool pretty) {
  json::Writer out(pretty ? json::Writer::Style::kPretty : json::Writer::Style::kCompact);
  out.begin_object()
      .field("ociVersion", "1.2.0")
      .field("id", state.id)
      .field("pid", std::string_view(status) == "stopped" ? 0 : state.pid)
      .field("status", status)
      .field("bundle", state.bundle)
      .field("rootfs", state.rootfs)
      .field("created", state.created);
  if (!annotations.empty()) out.field("annotations", annotations);
  out.end_object();
  return std::move(out).take();
}

bool need_network_only(const spec::Hooks& hooks) {
  return hooks.create_runtime.empty() && std::ranges::all_of(hooks.prestart, [](const auto& hook) {
           return !hook.args.empty() && hook.args[0] == "libnetwork-setkey";
         });
}

Result<HookRun> HookRun::start(const spec::Spec& spec, const State& state, BorrowedFd host_mounts) {
  const spec::Hooks& hooks = spec.hooks;
  if (hooks.prestart.empty() && hooks.create_runtime.empty()) return HookRun(-1, UniqueFd());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  pid_t pid = TRY(sys::clone_process(0));
  if (pid != 0) return HookRun(pid, std::move(read_end));
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Result<> result;
  if (::setns(host_mounts, CLONE_NEWNS) < 0 || ::chdir(state.bundle.c_str()) < 0)
    result = fail_errno("hooks: enter the host's mounts");
  std::string text = oci_state(state, "creating", spec.annotations);
  for (const auto* list : {&hooks.prestart, &hooks.create_runtime})
    for (const auto& hook : *list)
      if (result) result = sandbox::run_hook(hook, text);
  if (!result) {
    const std::string& message = result.error().message;
    [[maybe_unused]] auto n = ::write(write_end.get(), message.data(), message.size());
  }
  ::_exit(result ? 0 : 1);
}

Result<> HookRun::wait() {
  if (pid_ < 0) return {};
  auto message = sys::read_all(messages_.get(), limits::kSmallFileBytes, "hooks");
  int status = TRY(sys::wait_for(std::exchange(pid_, -1)));
  if (status == 0) return {};
  return fail(cat("error running hook: ", message && !message->empty() ? *message : "it was killed"));
}

HookRun::~HookRun() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  [[maybe_unused]] auto status = sys::wait_for(pid_);
}

Result<> run_container_hooks(const spec::Spec& spec, const State& state,
                             const sandbox::Namespaces& namespaces) {
  const auto& hooks = spec.hooks.create_container;
  if (hooks.empty()) return {};
  std::string text = oci_state(state, "creating", spec.annotations);
  return sandbox::inside(namespaces.network.get(), namespaces.host_network.get(), CLONE_NEWNET,
                         [&]() -> Result<> {
                           for (const auto& hook : hooks)
                             TRY_IN("error running hook", sandbox::run_hook(hook, text));
                           return {};
                         });
}

void run_late_hooks(const std::vector<spec::Hook>& hooks, const State& state, const char* status,
                    const spec::StringMap& annotations) {
  if (hooks.empty()) return;
  std::string text = oci_state(state, status, annotations);
  for (const auto& hook : hooks)
    if (auto done = sandbox::run_hook(hook, text); !done) log::warn(done.error().message);
}

Result<UniqueFd> connect_agent(const spec::Spec& spec) {
  return TRY_IN("linux.seccomp.listenerPath", sys::connect_unix(spec.linux_.seccomp->listener_path));
}

Result<> send_listener(const spec::Spec& spec, const State& state, BorrowedFd agent, BorrowedFd listener) {
  const auto& seccomp = *spec.linux_.seccomp;
  json::Writer out;
  out.begin_object()
      .field("ociVersion", "1.2.0")
      .field("fds", std::vector<std::string>{"seccompFd"})
      .field("pid", state.pid)
      .field("metadata", seccomp.listener_metadata);
  out.key("state").begin_object();
  out.field("ociVersion", "1.2.0").field("id", state.id).field("status", "creating").field("pid", state.pid);
  out.field("bundle", state.bundle);
  if (!spec.annotations.empty()) out.field("annotations", spec.annotations);
  out.end_object().end_object();
  return sys::send_fd(agent, listener, std::move(out).take());
}

}  // namespace bulkhead::runtime
