#include "runtime/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/limits.h"
#include "base/strings.h"
#include "json/fields.h"
#include "json/read.h"
#include "json/write.h"
#include "spec/read.h"
#include "sys/file.h"
#include "sys/process.h"

namespace bulkhead::runtime {
namespace {

constexpr char kState[] = "state.json";
constexpr char kConfig[] = "config.json";
constexpr char kFifo[] = "start";

Result<> check_id(std::string_view id) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+-.").find(c) != std::string_view::npos;
  };
  if (id.empty() || id.size() > limits::kContainerIdBytes || id == "." || id == ".." ||
      !std::ranges::all_of(id, is_plain))
    return fail(cat("invalid container id \"", id.substr(0, 80), "\": 1 to ",
                    limits::kContainerIdBytes, " of A-Z a-z 0-9 _ + - . are allowed"));
  return {};
}

std::string to_json(const State& s) {
  json::Writer out;
  out.begin_object()
      .field("id", s.id)
      .field("bundle", s.bundle)
      .field("rootfs", s.rootfs)
      .field("created", s.created)
      .field("pid", s.pid)
      .field("startTicks", s.start_ticks)
      .field("keeperPid", s.keeper_pid)
      .field("keeperStartTicks", s.keeper_start_ticks)
      .field("hostUid", s.ids.uid)
      .field("hostGid", s.ids.gid)
      .field("idCount", s.ids.size)
      .field("ownsUserNs", s.owns_user_ns)
      .field("systemd", s.systemd)
      .field("cgroupPath", s.cgroup.path)
      .field("cgroupSlice", s.cgroup.slice)
      .field("cgroupPrefix", s.cgroup.prefix)
      .field("cgroupName", s.cgroup.name)
      .end_object();
  return std::move(out).take() + "\n";
}

Result<State> from_json(std::string_view text) {
  auto value = TRY_IN(kState, json::parse(text));
  const auto* object = value.if_object();
  if (!object) return fail("state.json: not an object");
  State s;
  auto string = [&](const char* key, std::string& out) {
    if (const auto* found = object->if_contains(key); found && found->is_string())
      out = std::string_view(found->get_string());
  };
  auto number = [&](const char* key, auto& out) {
    const auto* found = object->if_contains(key);
    if (found && found->is_int64()) out = static_cast<std::decay_t<decltype(out)>>(found->get_int64());
    if (found && found->is_uint64()) out = static_cast<std::decay_t<decltype(out)>>(found->get_uint64());
  };
  auto flag = [&](const char* key, bool& out) {
    if (const auto* found = object->if_contains(key); found && found->is_bool()) out = found->get_bool();
  };
  string("id", s.id);
  string("bundle", s.bundle);
  string("rootfs", s.rootfs);
  string("created", s.created);
  number("pid", s.pid);
  number("startTicks", s.start_ticks);
  number("keeperPid", s.keeper_pid);
  number("keeperStartTicks", s.keeper_start_ticks);
  number("hostUid", s.ids.uid);
  number("hostGid", s.ids.gid);
  number("idCount", s.ids.size);
  flag("ownsUserNs", s.owns_user_ns);
  flag("systemd", s.systemd);
  string("cgroupPath", s.cgroup.path);
  string("cgroupSlice", s.cgroup.slice);
  string("cgroupPrefix", s.cgroup.prefix);
  string("cgroupName", s.cgroup.name);
  s.cgroup.driver = s.systemd ? cgroup::Location::Driver::kSystemd : cgroup::Location::Driver::kCgroupfs;
  return s;
}

}  // namespace

const char* name(Status status) {
  switch (status) {
    case Status::kCreating: return "creating";
    case Status::kCreated: return "created";
    case Status::kRunning: return "running";
    case Status::kPaused: return "paused";
    case Status::kStopped: return "stopped";
  }
  return "unknown";
}

Entry::~Entry() {
  if (temporary_) [[maybe_unused]] auto removed = remove();
}

Result<> Entry::write(const State& state) const {
  return sys::replace_file_at(directory_.get(), kState, to_json(state), 0600);
}

Result<State> Entry::read() const {
  return from_json(TRY(sys::read_file_at(directory_.get(), kState, limits::kStateBytes)));
}

Result<spec::Spec> Entry::config() const {
  return spec::read_spec(TRY(sys::read_file_at(directory_.get(), kConfig, limits::kConfigBytes)));
}

bool Entry::is_waiting_to_start() const { return ::faccessat(directory_.get(), kFifo, F_OK, 0) == 0; }

Result<> Entry::start() const {
  // The init holds the FIFO open; ENXIO: it is gone.
  auto fifo = sys::open_at(directory_.get(), kFifo, O_WRONLY | O_NONBLOCK);
  if (!fifo && fifo.error().code == ENXIO) return fail(cat("container \"", id_, "\": its init has died"));
  if (!fifo && fifo.error().code == ENOENT)
    return fail(cat("cannot start a container that has started already (\"", id_, "\")"));
  if (!fifo) return std::unexpected(fifo.error());
  if (::unlinkat(directory_.get(), kFifo, 0) < 0) return fail_errno("remove the start FIFO");
  if (::write(fifo->get(), "s", 1) != 1) return fail_errno("start");
  return {};
}

Result<> Entry::lock() const {
  while (::flock(directory_.get(), LOCK_EX) < 0)
    if (errno != EINTR) return fail_errno(cat("lock container ", id_));
  return {};
}

Result<> Entry::remove() {
  temporary_ = false;
  return sys::remove_tree_at(parent_, id_);
}

Result<Store> Store::open(std::string_view root) {
  return Store(TRY(sys::make_directories(root, 0711)));
}

Result<Entry> Store::create(std::string_view id, std::string_view config, UniqueFd& fifo) const {
  TRY(check_id(id));
  std::string name(id);
  if (::mkdirat(directory_.get(), name.c_str(), 0700) < 0)
    return errno == EEXIST ? fail(cat("container with id \"", id, "\" exists already"))
                           : fail_errno(cat("make the state directory of ", id));
  auto directory = sys::open_at(directory_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) {
    ::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR);
    return std::unexpected(std::move(directory).error());
  }
  Entry entry(directory_.get(), std::move(*directory), std::move(name), true);
  if (::mkfifoat(entry.directory(), kFifo, 0600) < 0) return fail_errno("make the start FIFO");
  // Read and write, so that opening does not wait for `start`.
  fifo = TRY(sys::open_at(entry.directory(), kFifo, O_RDWR));
  UniqueFd copy = TRY(sys::open_at(entry.directory(), kConfig, O_WRONLY | O_CREAT | O_EXCL, 0600));
  errno = ENOSPC;  // what a short write means
  if (::write(copy.get(), config.data(), config.size()) != static_cast<ssize_t>(config.size()))
    return fail_errno(cat("keep config.json of ", id));
  return entry;
}

Result<Entry> Store::find(std::string_view id) const {
  TRY(check_id(id));
  auto directory = sys::open_at(directory_.get(), id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory && directory.error().code == ENOENT)
    return fail(cat("container \"", id, "\" does not exist"));
  if (!directory) return std::unexpected(directory.error());
  return Entry(directory_.get(), std::move(*directory), std::string(id), false);
}

Result<std::vector<std::string>> Store::ids() const {
  UniqueFd readable = TRY(sys::open_at(directory_.get(), ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(readable.release()), ::closedir);
  if (!entries) return fail_errno("list containers");
  std::vector<std::string> ids;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!check_id(entry->d_name)) continue;
    std::string inside = cat(entry->d_name, "/", kConfig);
    if (::faccessat(directory_.get(), inside.c_str(), F_OK, 0) == 0) ids.emplace_back(entry->d_name);
  }
  std::ranges::sort(ids);
  return ids;
}

bool is_alive(const State& state) {
  if (state.pid <= 0) return false;
  auto stat = sys::process_stat(state.pid);
  return stat && *stat && (*stat)->start_ticks == state.start_ticks && (*stat)->state != 'Z' &&
         (*stat)->state != 'X';
}

Result<Status> status_of(const Entry& entry, const State& state) {
  if (state.pid == 0) return Status::kCreating;
  if (!is_alive(state)) return Status::kStopped;
  if (entry.is_waiting_to_start()) return Status::kCreated;
  auto manager = TRY(cgroup::make_manager(state.cgroup));
  auto frozen = manager->is_frozen();
  return frozen && *frozen ? Status::kPaused : Status::kRunning;
}

}  // namespace bulkhead::runtime
