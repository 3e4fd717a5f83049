// The life of a container's construction. create() is the spine: every line is a stage, and what
// holds after it is said beside it. Everything that a stage makes is owned by a local whose
// destructor undoes it, so that an error at any point leaves nothing.
#include "runtime/create.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include <optional>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/write.h"
#include "plan/plan.h"
#include "runtime/bundle.h"
#include "runtime/facts.h"
#include "runtime/hooks.h"
#include "runtime/host_view.h"
#include "runtime/leases.h"
#include "runtime/mount_namespace.h"
#include "runtime/trace.h"
#include "sandbox/launch.h"
#include "sandbox/tree.h"
#include "seccomp/filter.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace bulkhead::runtime {
namespace {

struct Construction {  // what the stages share
  const Context& context;
  const CreateOptions& options;
  const Bundle& bundle;
  const plan::Plan& plan;
  const sandbox::Prepared& process;
  const Gathered& gathered;
  PrivateMounts& mounts;
  cgroup::Manager& cgroup;
  State& state;
  BorrowedFd agent;  // of the engine's seccomp profile; -1: none
  Trace& trace;
  UniqueFd view_root;  // for the engine's view (HostView); empty where the root needs none
};

Result<UniqueFd> connect_console(const CreateOptions& options, bool terminal, bool foreground) {
  if (terminal && options.console_socket.empty() && foreground) return UniqueFd();
  if (terminal && options.console_socket.empty())
    return fail("process.terminal is set: give a console socket (--console-socket)");
  if (!terminal && !options.console_socket.empty())
    return fail("--console-socket is given, but process.terminal is not set");
  if (!terminal) return UniqueFd();
  return sys::connect_unix(options.console_socket);
}

// The pipes of an engine become the container's, so that it can reopen /dev/stdout. Nothing but
// pipes: a chown of a device or of somebody's file would change the host (other runtimes chown the
// host's /dev/null).
Result<> own_stdio(const sandbox::HostIds& ids, const sandbox::Prepared& process) {
  for (int fd = 0; fd <= 2; ++fd) {
    struct stat st {};
    if (::fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) continue;
    if (::fchown(fd, ids.uid + process.uid, ids.gid + process.gid) < 0 && errno != EPERM && errno != EROFS)
      return fail_errno("own stdio");
  }
  return {};
}

// What the new process gets from outside, before it goes on.
Result<> equip(const Construction& c, sandbox::Init& init, const Entry& entry) {
  TRY(record_init(init.pid(), c.state, entry));
  if (c.state.owns_user_ns) TRY(init.map_ids(c.state.ids));
  if (c.plan.new_network) TRY(init.begin_network());
  for (const auto& warning : TRY(init.apply_limits(c.process))) log::warn(warning);
  TRY(c.cgroup.delegate(c.state.ids.uid, c.state.ids.gid));
  TRY(own_stdio(c.state.ids, c.process));
  c.trace.mark("clone");
  return {};
}

// sysfs's lo, net.* and ipc sysctls, after the engine's hooks have made the interfaces.
Result<> configure_namespaces(const Construction& c, const sandbox::Namespaces& ns, BorrowedFd proc_sys) {
  using Where = plan::Sysctl::Namespace;
  const auto& sysctls = c.plan.sysctls;
  auto network = [&]() -> Result<> {
    if (c.plan.new_network) TRY(sandbox::bring_loopback_up());
    return sandbox::write_sysctls(sysctls, Where::kNetwork, proc_sys, c.state.ids);
  };
  bool for_network = c.plan.new_network || std::ranges::any_of(sysctls, [](const auto& sysctl) {
    return sysctl.where == Where::kNetwork;
  });
  if (for_network)
    TRY(sandbox::inside(ns.network.get(), ns.host_network.get(), CLONE_NEWNET, network));
  for (const auto& sysctl : sysctls) {
    if (sysctl.where != Where::kIpc) continue;
    return sandbox::inside(ns.ipc.get(), ns.host_ipc.get(), CLONE_NEWIPC, [&] {
      return sandbox::write_sysctls(sysctls, Where::kIpc, proc_sys, c.state.ids);
    });
  }
  return {};
}

// Builds the container's mounts while the engine's hooks run beside, and hands over: when this
// returns the init has locked its mounts and waits for `start`.
Result<> construct(Construction& c, sandbox::Init& init, BorrowedFd console,
                   UniqueFd* foreground_master) {
  auto namespaces = TRY(sandbox::Namespaces::of(init.pid()));
  UniqueFd proc_sys = TRY(sys::open_path("/proc/sys", O_PATH | O_DIRECTORY));
  auto views = TRY(c.cgroup.views());
  c.trace.mark("namespaces");
  sandbox::TreeInputs inputs{c.plan, c.gathered.sources, namespaces, c.state.ids, views};
  auto as_root = [&](auto work) -> decltype(work()) {
    auto identity = TRY(sandbox::RootIdentity::assume(c.state.ids));
    return work();
  };
  auto tree = TRY(as_root([&] { return sandbox::Tree::make_root(inputs); }));
  c.trace.mark("root");
  if (c.plan.new_network) TRY(init.await_network());
  TRY(namespaces.open_network(init.pid()));
  c.trace.mark("network");
  std::optional<HookRun> hooks;
  if (need_network_only(c.bundle.spec.hooks))
    hooks.emplace(TRY(HookRun::start(c.bundle.spec, c.state, c.mounts.host())));
  TRY(as_root([&]() -> Result<> {
    TRY(tree.build());
    return tree.make_working_directory(c.process.cwd);
  }));
  c.trace.mark("mounts");
  for (const auto& warning : tree.warnings()) log::warn(warning);
  if (!hooks) hooks.emplace(TRY(HookRun::start(c.bundle.spec, c.state, c.mounts.host())));
  TRY(hooks->wait());
  c.trace.mark("hooks");
  TRY(configure_namespaces(c, namespaces, proc_sys.get()));
  TRY(run_container_hooks(c.bundle.spec, c.state, namespaces));
  // A root that is no overlay is the engine's own mount, idmapped: one superblock, nothing to cover.
  c.view_root = tree.take_bare_root();
  TRY(tree.finish());  // pivoted: this process sees the container's tree only, until it leaves M0
  c.trace.mark("pivot");
  UniqueFd slave = tree.take_console_slave(), master = tree.take_console_master();
  if (slave) {
    if (::fchown(slave.get(), c.state.ids.uid + c.process.uid, static_cast<gid_t>(-1)) < 0)
      return fail_errno("own the terminal");
    if (console >= 0) {
      TRY(sys::send_fd(console, master.get(), "/dev/ptmx"));
    } else {
      *foreground_master = std::move(master);
    }
  }
  TRY(init.proceed(slave.get()));
  TRY(init.await_ready([&](UniqueFd listener) {
    return send_listener(c.bundle.spec, c.state, c.agent, listener.get());
  }));
  c.cgroup.entered();
  c.trace.mark("init");
  return {};
}

Result<> write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return {};
  return sys::replace_file_at(AT_FDCWD, path, std::to_string(pid), 0644);
}

// startContainer hooks run inside, where the init is process 1.
std::string start_hook_state(const Bundle& bundle, State state) {
  state.pid = 1;
  return oci_state(state, "created", bundle.spec.annotations);
}

std::string now_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char date[32];
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  std::string nanoseconds = std::to_string(1000000000 + now.tv_nsec).substr(1);
  return cat(date, ".", nanoseconds, "Z");
}

}  // namespace

Result<pid_t> create(const Context& context, const CreateOptions& options,
                     UniqueFd* foreground_master) {
  Trace trace;
  Bundle bundle = TRY(load_bundle(options.bundle));
  auto policy = TRY(load_policy(context));
  trace.mark("config");
  auto mounts = TRY(PrivateMounts::enter());  // M0: a copy of the host's mounts, ours alone
  TRY(look_beneath_host_view(bundle.rootfs));
  auto gathered = TRY(gather_facts(bundle.spec, policy, bundle.path, bundle.rootfs));
  auto plan = TRY(plan::make(bundle.spec, policy, gathered.facts));  // admitted; no policy after this
  for (const auto& warning : plan.warnings) log::warn(warning);
  trace.mark("plan");
  auto process = TRY(prepare_process(bundle.spec, *bundle.spec.process, plan.environment));
  UniqueFd console = TRY(connect_console(options, process.terminal, foreground_master));
  UniqueFd agent = TRY(process.filter.has_notify ? connect_agent(bundle.spec) : Result<UniqueFd>());
  trace.mark("prepare");
  UniqueFd fifo;
  Entry entry = TRY(context.store.create(options.id, bundle.config, fifo));  // the id is ours
  State state{.id = options.id, .bundle = bundle.path, .rootfs = bundle.rootfs,
              .created = now_text(), .systemd = context.systemd_cgroup};
  IdLease ids = TRY(IdLease::take(bundle.spec, plan, policy, context.store, state));
  state.cgroup = TRY(cgroup::locate(bundle.spec.linux_.cgroups_path, options.id, state.systemd));
  TRY(entry.write(state));  // from here on `delete --force` finds everything
  trace.mark("store");
  CgroupLease cgroup = TRY(CgroupLease::create(bundle.spec, plan, state, entry));
  trace.mark("cgroup");
  auto entrance = TRY(cgroup->entrance());
  auto init = TRY(sandbox::Init::clone({bundle.spec, plan, process, state.ids, entrance, fifo.get(),
                                        options.preserved_fds,
                                        options.no_new_keyring ? "" : cat("_ses.", options.id),
                                        start_hook_state(bundle, state)}));
  Construction c{context, options, bundle, plan, process, gathered, mounts, *cgroup, state, agent.get(), trace};
  auto constructed = equip(c, init, entry);
  if (constructed) constructed = construct(c, init, console.get(), foreground_master);
  mounts.leave();  // the host's mounts again, whatever happened
  TRY(init.explain(std::move(constructed)));
  HostView view = HostView::show(std::move(c.view_root), context.store, state);
  TRY(entry.write(state));
  trace.mark("view");
  TRY(write_pid_file(options.pid_file, init.pid()));
  view.commit();
  ids.commit();
  cgroup.commit();
  entry.commit();
  trace.mark("publish");
  if (!context.trace_file.empty())
    if (auto written = sys::replace_file_at(AT_FDCWD, context.trace_file, trace.text(), 0644); !written)
      log::warn(cat("--trace-setup: ", written.error().message));
  return init.release();
}

}  // namespace bulkhead::runtime
