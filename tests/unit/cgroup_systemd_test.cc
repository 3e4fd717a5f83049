// The systemd driver from end to end against a stand-in for systemd: it speaks the wire protocol of
// org.freedesktop.systemd1 (its replies and signatures as the documentation has them), makes the
// cgroup and moves the processes, but manages nothing. A real systemd is tested in a VM.
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <systemd/sd-bus.h>

#include <set>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/manager_systemd.h"
#include "cgroup/systemd_unit.h"
#include "cgroup/tree.h"
#include "cgroup_host.h"

namespace bulkhead::cgroup {
namespace {

using test::Process;

#define ASSERT_OK(...)                                       \
  do {                                                       \
    auto&& result_ = (__VA_ARGS__);                          \
    ASSERT_TRUE(result_) << result_.error().message;         \
  } while (false)

// --- pure
// ---------------------------------------------------------------------------------------------

TEST(SystemdUnit, Name) {
  EXPECT_EQ(unit_name({.prefix = "docker", .name = "abc"}), "docker-abc.scope");
  EXPECT_EQ(unit_name({.prefix = "", .name = "abc"}), "abc.scope");
}

TEST(SystemdUnit, Masks) {
  EXPECT_EQ(mask_from_list("0-2,7"), "87");
  EXPECT_EQ(mask_from_list("0"), "01");
  EXPECT_EQ(mask_from_list("8,15-16\n"), "008101");
  EXPECT_EQ(mask_from_list(""), "");
  EXPECT_EQ(mask_from_list("0-31:2/4"), "");
  EXPECT_EQ(mask_from_list("3-1"), "");
  EXPECT_EQ(mask_from_list("99999"), "");
}

TEST(SystemdUnit, QuotaIsRoundedUpToWholePercents) {
  EXPECT_EQ(quota_per_second_us(50000, 100000), 500000u);
  EXPECT_EQ(quota_per_second_us(50000, 0), 500000u);
  EXPECT_EQ(quota_per_second_us(333, 1000), 340000u);
  EXPECT_EQ(quota_per_second_us(200000, 100000), 2000000u);
}

spec::Resources limits() {
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.limit = 64 << 20, .swap = 96 << 20};
  resources.cpu = spec::CpuResources{.shares = 1024, .quota = 50000, .cpus = "0-1"};
  resources.pids_limit = -1;
  return resources;
}

TEST(SystemdUnit, Properties) {
  EXPECT_EQ(join(unit_properties(limits(), true).value(), " "),
            "MemoryMax=t:67108864 MemorySwapMax=t:33554432 CPUWeight=t:100 "
            "CPUQuotaPerSecUSec=t:500000 AllowedCPUs=ay:03 TasksMax=t:max");
  EXPECT_EQ(join(unit_properties(limits(), false).value(), " "),
            "MemoryLimit=t:67108864 CPUShares=t:1024 CPUQuotaPerSecUSec=t:500000 TasksMax=t:max");
  spec::Resources unified;
  unified.unified = {{"memory.high", "1024"}, {"cpu.max", "max 50000"}, {"hugetlb.2MB.max", "3"}};
  EXPECT_EQ(join(unit_properties(unified, true).value(), " "),
            "CPUQuotaPeriodUSec=t:50000 CPUQuotaPerSecUSec=t:max MemoryHigh=t:1024");
  EXPECT_EQ(join(unit_properties({}, true).value(), " "), "");
}

TEST(SystemdUnit, DevicesOnV1) {
  spec::Resources resources;
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 136, .minor = -1, .access = "rw"},
                       {.allow = true, .type = 'b', .major = -1, .minor = -1, .access = "m"}};
  const char* devices = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n";
  EXPECT_EQ(join(device_properties(resources, devices), "|"),
            "DevicePolicy=s:strict|DeviceAllow=a(ss):|"
            "DeviceAllow=a(ss):/dev/char/1:3 rwm;char-pts rw;block-* m");
  resources.devices = {{.allow = true, .access = "rwm"}};
  EXPECT_EQ(join(device_properties(resources, devices), "|"),
            "DevicePolicy=s:auto|DeviceAllow=a(ss):");
}

// --- the stand-in
// ----------------------------------------------------------------------------------------

constexpr const char* kLog = "/run/calls";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

const std::string& base() {
  static const std::string name = cat("/bulkhead-test-", getpid());
  return name;
}

std::string group_of(std::string_view unit) { return cat(base(), ".slice/", unit); }

void emit_job_removed(sd_bus* bus, const char* unit, const char* result) {
  sd_bus_message* signal = nullptr;
  sd_bus_message_new_signal(bus, &signal, kPath, kManager, "JobRemoved");
  sd_bus_message_append(signal, "uoss", 7, "/org/freedesktop/systemd1/job/7", unit, result);
  sd_bus_send(bus, signal, nullptr);
  sd_bus_message_unref(signal);
}

// Finds PIDs in a(sv) and moves them into the unit's cgroup.
void start_unit(sd_bus_message* call, const std::string& directory) {
  mkdir(cat("/sys/fs/cgroup", base(), ".slice").c_str(), 0755);
  mkdir(directory.c_str(), 0755);
  sd_bus_message_enter_container(call, 'a', "(sv)");
  while (sd_bus_message_enter_container(call, 'r', "sv") > 0) {
    const char *name = nullptr, *type = nullptr;
    sd_bus_message_read(call, "s", &name);
    sd_bus_message_peek_type(call, nullptr, &type);
    if (std::string_view(name) == "PIDs") {
      const std::uint32_t* pids = nullptr;
      std::size_t size = 0;
      sd_bus_message_enter_container(call, 'v', "au");
      sd_bus_message_read_array(call, 'u', reinterpret_cast<const void**>(&pids), &size);
      for (std::size_t i = 0; i < size / 4; ++i)
        (void)write_file(AT_FDCWD, (directory + "/cgroup.procs").c_str(), cat(pids[i]));
      sd_bus_message_exit_container(call);
    } else {
      sd_bus_message_skip(call, "v");
    }
    sd_bus_message_exit_container(call);
  }
}

int on_call(sd_bus_message* call, void*, sd_bus_error*) {
  sd_bus* bus = sd_bus_message_get_bus(call);
  std::string_view member = sd_bus_message_get_member(call) ? sd_bus_message_get_member(call) : "";
  FILE* log = fopen(kLog, "ae");
  sd_bus_message_dump(call, log, SD_BUS_MESSAGE_DUMP_WITH_HEADER);
  fclose(log);
  sd_bus_message_rewind(call, 1);
  if (member == "Hello") return sd_bus_reply_method_return(call, "s", ":1.5");
  if (member == "Get")
    return sd_bus_reply_method_return(call, "v", "s", group_of("docker-c1.scope").c_str());
  if (member != "StartTransientUnit" && member != "StopUnit")
    return sd_bus_reply_method_return(call, nullptr);
  const char *unit = nullptr, *mode = nullptr;
  sd_bus_message_read(call, "ss", &unit, &mode);
  std::string name = unit, directory = "/sys/fs/cgroup" + group_of(unit);
  if (member == "StopUnit") {
    if (!test::exists(directory))
      return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
    rmdir(directory.c_str());
  } else {
    if (name.starts_with("docker-bad"))
      return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.InvalidArgs", "Bad %s",
                                        unit);
    start_unit(call, directory);
  }
  const char* result = name.starts_with("docker-fails") ? "failed" : "done";
  // The signal first: its end must be seen even when it comes before the reply.
  emit_job_removed(bus, name.c_str(), result);
  return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/7");
}

void serve(int connection) {
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  id.bytes[0] = 1;
  sd_bus_new(&bus);
  sd_bus_set_fd(bus, connection, connection);
  sd_bus_set_server(bus, 1, id);
  sd_bus_set_anonymous(bus, 1);
  sd_bus_set_trusted(bus, 1);
  sd_bus_start(bus);
  sd_bus_add_filter(bus, nullptr, on_call, nullptr);
  while (true) {
    int code = sd_bus_process(bus, nullptr);
    if (code < 0) break;
    if (code == 0 && sd_bus_wait(bus, UINT64_MAX) < 0) break;
  }
  sd_bus_unref(bus);
}

int systemd_main(int listener) {
  while (true) {
    int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) return 1;
    if (fork() == 0) {
      serve(connection);
      _exit(0);
    }
    close(connection);
  }
}

class SystemdDriver : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    base();
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    struct statfs info{};
    bool unified = statfs("/sys/fs/cgroup", &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
        (!unified && mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, "") != 0) ||
        mount("tmpfs", "/run", "tmpfs", 0, "") != 0)
      GTEST_SKIP() << "needs a mount namespace with cgroup2: " << strerror(errno);
    std::string socket_path = GetParam();
    mkdir(socket_path.substr(0, socket_path.rfind('/')).c_str(), 0755);
    UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX};
    socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener.get(), 8), 0);
    lock_ = test::lock_cgroup2();
    enabled_ = std::string(trim(test::slurp("/sys/fs/cgroup/cgroup.subtree_control")));
    systemd_ = std::make_unique<Process>([&] { return systemd_main(listener.get()); });
    manager_ = load("c1");
  }
  void TearDown() override {
    if (!manager_) return;
    (void)manager_->kill_all();
    (void)manager_->destroy(2000);
    manager_.reset();
    systemd_.reset();
    UniqueFd root = open_directory(AT_FDCWD, "/sys/fs/cgroup");
    auto removed = remove_tree(root.get(), cat(base(), ".slice").c_str() + 1);
    EXPECT_TRUE(removed) << removed.error().message;
    std::string now(trim(test::slurp("/sys/fs/cgroup/cgroup.subtree_control")));
    for (std::string_view name : split(now, ' '))
      if (!name.empty() && (" " + enabled_ + " ").find(cat(" ", name, " ")) == std::string::npos)
        (void)write_file(AT_FDCWD, "/sys/fs/cgroup/cgroup.subtree_control", cat("-", name));
    lock_.reset();
    umount2("/run", MNT_DETACH);
  }
  static std::unique_ptr<Manager> load(const char* name) {
    std::string path = cat(base().substr(1), ".slice:docker:", name);
    return make_manager(locate(path, name, true).value()).value();
  }
  static std::string calls() { return test::slurp(kLog); }
  static std::string dir() { return "/sys/fs/cgroup" + group_of("docker-c1.scope"); }

  std::string enabled_;
  UniqueFd lock_;
  std::unique_ptr<Process> systemd_;
  std::unique_ptr<Manager> manager_;
};

bool is_empty_but_for(const std::string& directory, const std::set<pid_t>& wanted) {
  std::set<pid_t> found;
  std::string text = test::slurp(directory + "/cgroup.procs");
  for (std::string_view line : split(trim(text), '\n'))
    if (auto pid = parse_decimal<pid_t>(line)) found.insert(*pid);
  return found == wanted;
}

TEST_P(SystemdDriver, Life) {
  spec::Resources resources;
  resources.cpu = spec::CpuResources{.cpus = "0"};
  resources.cpu->cpus.clear();
  resources.unified["cgroup.max.depth"] = "5";
  ASSERT_OK(manager_->prepare(resources));
  ASSERT_OK(manager_->create(resources));
  EXPECT_EQ(manager_->location().path, group_of("docker-c1.scope"));
  EXPECT_EQ(manager_->processes()->size(), 1u) << "the stand-in holds the scope";
  Process child(test::sleep_forever);
  ASSERT_OK(manager_->enter(child.pid()));
  EXPECT_TRUE(is_empty_but_for(dir(), {child.pid()}));
  std::string log = calls();
  for (const char* part : {"StartTransientUnit", "\"docker-c1.scope\"", "\"Delegate\"", "\"PIDs\"",
                           "\"Slice\"", "Subscribe"})
    EXPECT_NE(log.find(part), std::string::npos) << part;
  ASSERT_OK(manager_->delegate(100000, 100000));
  // A later command, from the state file's location.
  auto again = make_manager(manager_->location()).value();
  spec::Resources update;
  update.unified["memory.high"] = "max";
  auto updated = again->update(update);
  EXPECT_NE(calls().find("SetUnitProperties"), std::string::npos);
  EXPECT_NE(calls().find("MemoryHigh"), std::string::npos);
  EXPECT_TRUE(updated || updated.error().message.find("memory.high") != std::string::npos);
  ASSERT_OK(again->kill_all());
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
  ASSERT_OK(again->destroy(2000));
  EXPECT_FALSE(test::exists(dir()));
  EXPECT_NE(calls().find("StopUnit"), std::string::npos);
  EXPECT_NE(calls().find("ResetFailedUnit"), std::string::npos);
  ASSERT_OK(again->destroy(2000));  // a unit that is gone is no error
}

TEST_P(SystemdDriver, RefusalIsTold) {
  auto bad = load("bad");
  auto refused = bad->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Bad docker-bad.scope"), std::string::npos)
      << refused.error().message;
  auto fails = load("fails");
  refused = fails->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("ended as \"failed\""), std::string::npos)
      << refused.error().message;
}

TEST_P(SystemdDriver, FailureAfterTheUnitStopsIt) {
  spec::Resources resources;
  resources.unified["nosuch.file"] = "1";
  ASSERT_FALSE(manager_->create(resources));
  EXPECT_FALSE(test::exists(dir()));
}

INSTANTIATE_TEST_SUITE_P(Sockets, SystemdDriver,
                         ::testing::Values("/run/dbus/system_bus_socket", "/run/systemd/private"),
                         [](const auto& info) {
                           return info.index == 0 ? "bus" : "private_socket";
                         });

TEST(SystemdDriverAbsent, SaysWhatIsMissing) {
  struct stat stat{};
  if (::stat("/run/systemd/private", &stat) == 0) GTEST_SKIP() << "systemd runs here";
  Location location{.driver = Location::Driver::kSystemd, .slice = "system.slice",
                    .prefix = "docker", .name = "x"};
  auto refused = make_manager(location).value()->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("is systemd running?"), std::string::npos)
      << refused.error().message;
}

}  // namespace
}  // namespace bulkhead::cgroup
