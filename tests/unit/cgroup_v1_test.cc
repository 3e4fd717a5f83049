// The v1 manager on the real hierarchies of the host, below /bulkhead-test-<pid>.
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include <map>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/freezer.h"
#include "cgroup/host.h"
#include "cgroup/oom.h"
#include "cgroup/stats.h"
#include "cgroup/tree.h"
#include "cgroup_host.h"

namespace bulkhead::cgroup {
namespace {

using test::Process;

class CgroupV1 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    auto mode = detect_mode();
    if (!mode) GTEST_SKIP() << mode.error().message;
    if (*mode == Mode::kUnified) GTEST_SKIP() << "the host has no v1 hierarchies";
    if (mkdir("/sys/fs/cgroup/memory/bulkhead-test-w", 0755) != 0)
      GTEST_SKIP() << "cgroupfs is not writable here: " << strerror(errno);
    rmdir("/sys/fs/cgroup/memory/bulkhead-test-w");
    manager_ = load();
  }
  void TearDown() override {
    if (!manager_) return;
    EXPECT_TRUE(manager_->kill_all());
    auto gone = manager_->destroy(5000);
    EXPECT_TRUE(gone) << gone.error().message;
    manager_.reset();
    Host host = find_host().value();
    for (const Hierarchy& hierarchy : host.hierarchies) {
      auto removed = remove_tree(host.root.get(), (hierarchy.name + base()).c_str());
      EXPECT_TRUE(removed) << removed.error().message;
    }
  }
  static const std::string& base() {  // the same in forked children
    static const std::string name = cat("/bulkhead-test-", getpid());
    return name;
  }
  static std::unique_ptr<Manager> load() {
    auto location = locate(base() + "/c1", "c1", false);
    return make_manager(*location).value();
  }
  static std::string dir(const char* hierarchy) {
    return cat("/sys/fs/cgroup/", hierarchy, base(), "/c1");
  }
  static std::string value(const char* hierarchy, const char* file) {
    return std::string(trim(test::slurp(dir(hierarchy) + "/" + file)));
  }
  static std::vector<std::string> leftovers() {
    std::vector<std::string> found;
    Host host = find_host().value();
    for (const Hierarchy& hierarchy : host.hierarchies)
      if (std::string path = cat("/sys/fs/cgroup/", hierarchy.name, base()); test::exists(path))
        found.push_back(path);
    return found;
  }
  std::unique_ptr<Manager> manager_;
};

#define ASSERT_OK(...)                                       \
  do {                                                       \
    auto&& result_ = (__VA_ARGS__);                          \
    ASSERT_TRUE(result_) << result_.error().message;         \
  } while (false)

TEST_F(CgroupV1, EveryHierarchyHasIt) {
  ASSERT_OK(manager_->create({}));
  Process child(test::sleep_forever);
  ASSERT_OK(manager_->enter(child.pid()));
  std::string text = test::slurp(cat("/proc/", child.pid(), "/cgroup"));
  for (std::string_view line : split(trim(text), '\n'))
    EXPECT_TRUE(line.ends_with(base() + "/c1")) << line;
  EXPECT_EQ(manager_->processes().value(), std::vector<pid_t>{child.pid()});
}

TEST_F(CgroupV1, EntranceFromInside) {
  ASSERT_OK(manager_->create({}));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  Process child([&] {
    if (int code = enter_self(way->tasks)) return code;
    return test::sleep_forever();
  });
  while (manager_->processes()->empty()) usleep(1000);
  usleep(20000);
  std::string text = test::slurp(cat("/proc/", child.pid(), "/cgroup"));
  for (std::string_view line : split(trim(text), '\n'))
    EXPECT_TRUE(line.starts_with("0::") || line.ends_with(base() + "/c1")) << line;
}


// --- limits -----------------------------------------------------------------------------------

spec::Resources limits() {
  spec::Resources resources;
  resources.memory =
      spec::MemoryResources{.limit = 64 << 20, .reservation = 32 << 20, .swap = 96 << 20};
  resources.cpu = spec::CpuResources{.shares = 512, .period = 50000, .quota = 25000, .cpus = "0"};
  resources.pids_limit = 100;
  return resources;
}

TEST_F(CgroupV1, LimitsAreWritten) {
  ASSERT_OK(manager_->create(limits()));
  EXPECT_EQ(value("memory", "memory.limit_in_bytes"), cat(64 << 20));
  EXPECT_EQ(value("memory", "memory.soft_limit_in_bytes"), cat(32 << 20));
  EXPECT_EQ(value("memory", "memory.memsw.limit_in_bytes"), cat(96 << 20));
  EXPECT_EQ(value("cpu", "cpu.shares"), "512");
  EXPECT_EQ(value("cpu", "cpu.cfs_period_us"), "50000");
  EXPECT_EQ(value("cpu", "cpu.cfs_quota_us"), "25000");
  EXPECT_EQ(value("cpuset", "cpuset.cpus"), "0");
  EXPECT_EQ(value("cpuset", "cpuset.mems"),
            trim(test::slurp("/sys/fs/cgroup/cpuset/cpuset.mems")));
  EXPECT_EQ(value("pids", "pids.max"), "100");
}

// The kernel takes limit and memory+swap limit in one order when rising, in the other when falling.
TEST_F(CgroupV1, UpdateRaisesAndLowers) {
  ASSERT_OK(manager_->create(limits()));
  auto memory = [&](std::int64_t limit, std::int64_t swap) {
    spec::Resources resources;
    resources.memory = spec::MemoryResources{.limit = limit, .swap = swap};
    return load()->update(resources);
  };
  ASSERT_OK(memory(256 << 20, 256 << 20));
  EXPECT_EQ(value("memory", "memory.limit_in_bytes"), cat(256 << 20));
  ASSERT_OK(memory(16 << 20, 20 << 20));
  EXPECT_EQ(value("memory", "memory.memsw.limit_in_bytes"), cat(20 << 20));
  ASSERT_OK(memory(-1, 0));  // lifts both
  EXPECT_GT(parse_decimal<std::int64_t>(value("memory", "memory.memsw.limit_in_bytes")), 1LL << 50);
  ASSERT_OK(memory(16 << 20, 16 << 20));
  auto refused = memory(64 << 20, 0);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("resources.memory.limit"), std::string::npos);
  spec::Resources cpu;
  cpu.cpu = spec::CpuResources{.period = 10000, .quota = 5000};
  ASSERT_OK(load()->update(cpu));
  cpu.cpu = spec::CpuResources{.quota = -1};
  ASSERT_OK(load()->update(cpu));
  EXPECT_EQ(value("cpu", "cpu.cfs_quota_us"), "-1");
  EXPECT_EQ(value("cpu", "cpu.shares"), "512") << "a field that is not set must stay";
}

TEST_F(CgroupV1, IdleAndShares) {
  if (!test::exists("/sys/fs/cgroup/cpu/cpu.idle")) GTEST_SKIP() << "the kernel has no cpu.idle";
  ASSERT_OK(manager_->create({}));
  spec::Resources resources;
  resources.cpu = spec::CpuResources{.shares = 100, .idle = 1};
  ASSERT_OK(manager_->update(resources));
  EXPECT_EQ(value("cpu", "cpu.idle"), "1");
  resources.cpu = spec::CpuResources{.shares = 100, .idle = 0};
  ASSERT_OK(manager_->update(resources));
  EXPECT_EQ(value("cpu", "cpu.shares"), "100");
}

// --- refusals: an error that says what, and nothing left -----------------------------------------

TEST_F(CgroupV1, MissingControllerIsNamed) {
  auto with_class = [](std::uint32_t id) {
    spec::Resources resources;
    resources.network.emplace().class_id = id;
    return resources;
  };
  if (test::exists("/sys/fs/cgroup/net_cls")) GTEST_SKIP() << "net_cls is mounted here";
  auto refused = manager_->create(with_class(7));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "resources.network.classID: the cgroup controller \"net_cls\" "
                                     "is not available on this host");
  EXPECT_EQ(leftovers(), std::vector<std::string>{});
  ASSERT_OK(manager_->create(with_class(0)));  // asking for nothing needs no controller
}

TEST_F(CgroupV1, BadValueLeavesNothing) {
  spec::Resources resources = limits();
  resources.cpu->cpus = "4096-5000";
  auto refused = manager_->create(resources);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("resources.cpu.cpus"), std::string::npos);
  EXPECT_EQ(leftovers(), std::vector<std::string>{});
}

// A control file of one hierarchy is "in the way" of a path component of that name: creation fails
// in that hierarchy alone, whichever comes first.
TEST_F(CgroupV1, FailureInAnyHierarchyLeavesNothing) {
  for (const char* file : {"memory.stat", "cpu.shares", "cpuacct.usage", "cpuset.cpus", "pids.max",
                           "devices.list", "freezer.state", "blkio.reset_stats", "cgroup.type"}) {
    auto manager = make_manager(*locate(cat(base(), "/", file, "/c1"), "c1", false)).value();
    EXPECT_FALSE(manager->create(limits())) << file;
    EXPECT_EQ(leftovers(), std::vector<std::string>{}) << file;
  }
}

TEST_F(CgroupV1, RefusesOneInUseAndReplacesAnEmptyOne) {
  ASSERT_OK(manager_->create(limits()));
  {
    Process child(test::sleep_forever);
    ASSERT_OK(manager_->enter(child.pid()));
    auto refused = load()->create({});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("already has processes"), std::string::npos);
    EXPECT_EQ(value("pids", "pids.max"), "100") << "the other container's cgroup must not change";
  }
  ASSERT_EQ(mkdir((dir("memory") + "/old").c_str(), 0755), 0);
  ASSERT_OK(load()->create({}));
  EXPECT_EQ(value("pids", "pids.max"), "max");
  EXPECT_FALSE(test::exists(dir("memory") + "/old"));
}

TEST_F(CgroupV1, RefusesAFrozenOne) {
  ASSERT_OK(manager_->create({}));
  ASSERT_OK(manager_->freeze(true));
  auto refused = load()->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("frozen"), std::string::npos);
  auto below = make_manager(*locate(base() + "/c1/below", "x", false)).value();
  refused = below->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("frozen"), std::string::npos);
  EXPECT_FALSE(test::exists(dir("freezer") + "/below"));
  ASSERT_OK(manager_->freeze(false));
}

// --- freeze, kill, destroy
// ---------------------------------------------------------------------------

// A child that counts in shared memory, so that "it runs" can be seen.
class Counter {
 public:
  Counter()
      : count_(static_cast<volatile std::uint64_t*>(
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
        child_([this] {
          while (true) {
            *count_ = *count_ + 1;
            usleep(200);
          }
          return 0;
        }) {}
  ~Counter() { munmap(const_cast<std::uint64_t*>(count_), 4096); }
  bool runs() {
    std::uint64_t before = *count_;
    for (int i = 0; i < 200 && *count_ == before; ++i) usleep(1000);
    return *count_ != before;
  }
  pid_t pid() const { return child_.pid(); }
  int wait() { return child_.wait(); }

 private:
  volatile std::uint64_t* count_;
  Process child_;
};

TEST_F(CgroupV1, FreezeAndThaw) {
  ASSERT_OK(manager_->create({}));
  Counter child;
  ASSERT_OK(manager_->enter(child.pid()));
  EXPECT_TRUE(child.runs());
  EXPECT_EQ(manager_->is_frozen().value(), false);
  ASSERT_OK(manager_->freeze(true));
  EXPECT_EQ(load()->is_frozen().value(), true);
  EXPECT_FALSE(child.runs());
  ASSERT_OK(load()->freeze(false));
  EXPECT_TRUE(child.runs());
}

// v1 delivers no signal to a frozen process, and the container may have frozen a part of itself.
TEST_F(CgroupV1, KillsFrozenProcesses) {
  ASSERT_OK(manager_->create({}));
  Counter top, inner;
  ASSERT_OK(manager_->enter(top.pid()));
  ASSERT_OK(manager_->enter(inner.pid()));
  std::string sub = dir("freezer") + "/sub";
  ASSERT_EQ(mkdir(sub.c_str(), 0755), 0);
  ASSERT_EQ(write_file(AT_FDCWD, (sub + "/cgroup.procs").c_str(), cat(inner.pid())), 0);
  ASSERT_EQ(write_file(AT_FDCWD, (sub + "/freezer.state").c_str(), "FROZEN"), 0);
  ASSERT_OK(manager_->freeze(true));
  EXPECT_EQ(manager_->processes()->size(), 2u);
  ASSERT_OK(manager_->kill_all());
  EXPECT_EQ(top.wait(), 128 + SIGKILL);
  EXPECT_EQ(inner.wait(), 128 + SIGKILL);
  ASSERT_OK(manager_->destroy(2000));
  EXPECT_FALSE(test::exists(dir("freezer")));
}

// Ends by itself after some seconds, whatever the test does.
int fork_bomb() {
  setsid();
  signal(SIGCHLD, SIG_IGN);
  for (time_t end = time(nullptr) + 10; time(nullptr) < end;) fork();
  return 0;
}

class CgroupV1Bomb : public CgroupV1 {
 protected:
  void SetUp() override {
    CgroupV1::SetUp();
    if (!manager_) return;
    prctl(PR_SET_CHILD_SUBREAPER, 1);  // the bomb's orphans are reaped here, not left to PID 1
    spec::Resources resources;
    resources.pids_limit = 200;
    ASSERT_OK(manager_->create(resources));
    auto way = manager_->entrance();
    ASSERT_OK(way);
    bomb_ = fork();
    if (bomb_ == 0) _exit(enter_self(way->tasks) != 0 ? 1 : fork_bomb());
    for (int i = 0; i < 5000 && manager_->processes()->size() < 150; ++i) usleep(1000);
    ASSERT_GE(manager_->processes()->size(), 150u);
  }
  void TearDown() override {
    if (manager_) (void)manager_->kill_all();
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    CgroupV1::TearDown();
  }
  // All are dead when their cgroup can be removed.
  void expect_dead() {
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    ASSERT_OK(manager_->destroy(2000));
    EXPECT_EQ(leftover_dirs(), 0);
  }
  int leftover_dirs() { return test::exists(dir("freezer")) + test::exists(dir("pids")); }
  pid_t bomb_ = -1;
};

TEST_F(CgroupV1Bomb, IsKilled) {
  ASSERT_OK(manager_->kill_all());
  expect_dead();
}

// Without cgroup2's cgroup.kill, as on a pure v1 host.
TEST_F(CgroupV1Bomb, IsKilledByTheFreezer) {
  UniqueFd freezer = open_directory(AT_FDCWD, dir("freezer").c_str());
  ASSERT_OK(kill_all_v1(freezer.get(), true));
  expect_dead();
}

// And without a freezer.
TEST_F(CgroupV1Bomb, IsKilledInRounds) {
  UniqueFd pids = open_directory(AT_FDCWD, dir("pids").c_str());
  ASSERT_OK(kill_all_v1(pids.get(), false));
  expect_dead();
}

TEST_F(CgroupV1, DestroysDeepAndWideTrees) {
  ASSERT_OK(manager_->create({}));
  UniqueFd at = open_directory(AT_FDCWD, dir("pids").c_str());
  for (int depth = 0; depth < 3000; ++depth) {  // a path of 15000 bytes, well above PATH_MAX
    ASSERT_EQ(mkdirat(at.get(), "deep", 0755), 0) << depth << strerror(errno);
    at = open_directory(at.get(), "deep");
  }
  for (int i = 0; i < 500; ++i)
    ASSERT_EQ(mkdir(cat(dir("pids"), "/wide", i).c_str(), 0755), 0);
  ASSERT_EQ(mkdir((dir("pids") + "/.hidden").c_str(), 0755), 0);
  at.reset();
  EXPECT_TRUE(manager_->processes());
  ASSERT_OK(manager_->destroy(1000));
  EXPECT_FALSE(test::exists(dir("pids")));
}

TEST_F(CgroupV1, DestroyOfOneInUseSaysSo) {
  ASSERT_OK(manager_->create({}));
  Process child(test::sleep_forever);
  ASSERT_OK(manager_->enter(child.pid()));
  auto refused = manager_->destroy(30);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EBUSY);
  manager_ = load();
}

TEST_F(CgroupV1, DestroyOfNothingIsNoError) {
  ASSERT_OK(manager_->destroy(100));
  EXPECT_EQ(load()->processes()->size(), 0u);
  EXPECT_FALSE(load()->enter(getpid()));
}

// --- delegation (D03): run as the container's root
// ------------------------------------------------

// In a user namespace whose root is host uid 100000, in the container's cgroups.
int as_container_root(const Entrance& way, const std::function<int()>& body) {
  if (enter_self(way.tasks) != 0) return 90;
  if (setgroups(0, nullptr) != 0 || setresgid(100000, 100000, 100000) != 0 ||
      setresuid(100000, 100000, 100000) != 0)
    return 91;
  if (unshare(CLONE_NEWUSER) != 0) return 92;  // all capabilities there, none here
  return body();
}

int write_code(const std::string& path, std::string_view text) {
  return write_file(AT_FDCWD, path.c_str(), text);
}

TEST_F(CgroupV1, D03LimitsCannotBeRaisedFromInside) {
  ASSERT_OK(manager_->create(limits()));
  ASSERT_OK(manager_->delegate(100000, 100000));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  Process child([&] {
    return as_container_root(*way, [&] {
      const std::pair<const char*, const char*> limits[] = {
          {"memory", "memory.limit_in_bytes"}, {"memory", "memory.memsw.limit_in_bytes"},
          {"memory", "memory.oom_control"},    {"pids", "pids.max"},
          {"cpu", "cpu.cfs_quota_us"},         {"cpu", "cpu.shares"},
          {"cpuset", "cpuset.cpus"},           {"cpuset", "cpuset.mems"},
          {"devices", "devices.allow"},        {"freezer", "freezer.state"},
          {"blkio", "blkio.throttle.write_bps_device"}};
      int number = 1;
      for (const auto& [hierarchy, file] : limits) {
        if (write_code(dir(hierarchy) + "/" + file, "-1") != EACCES) return number;
        ++number;
      }
      // Neither by giving the files to itself, nor by replacing the directory.
      if (chown((dir("pids") + "/pids.max").c_str(), 100000, 100000) == 0) return 50;
      if (chmod((dir("pids") + "/pids.max").c_str(), 0666) == 0) return 51;
      if (rename(dir("pids").c_str(), cat(dir("pids"), "x").c_str()) == 0) return 52;
      if (mkdir((dir("pids") + "/../c2").c_str(), 0755) == 0) return 53;
      // Nor by leaving: the parent's cgroup.procs is host root's.
      if (write_code(dir("pids") + "/../cgroup.procs", "0") != EACCES) return 54;
      if (write_code("/sys/fs/cgroup/pids/tasks", "0") != EACCES) return 55;
      return 0;
    });
  });
  EXPECT_EQ(child.wait(), 0);
}

// What an inner engine does: a sub-cgroup in every hierarchy, with limits, and itself in it. A
// sub-cgroup may never get more than the container has.
TEST_F(CgroupV1, D03SubCgroupsWorkWithinTheLimits) {
  spec::Resources resources = limits();
  resources.memory.reset();  // sanitizers need more for the children
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"}};
  ASSERT_OK(manager_->create(resources));
  ASSERT_OK(manager_->delegate(100000, 100000));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  Process child([&] {
    return as_container_root(*way, [&] {
      for (const char* name : {"memory", "cpu", "cpuacct", "cpuset", "pids", "devices", "freezer",
                               "blkio", "systemd"})
        if (mkdir((dir(name) + "/sub").c_str(), 0755) != 0) return 1;
      std::string cpuset = dir("cpuset") + "/sub/";
      if (write_code(cpuset + "cpuset.cpus", "0-1") == 0) return 2;
      if (write_code(cpuset + "cpuset.cpus", "0") != 0) return 3;
      if (write_code(cpuset + "cpuset.mems", "0") != 0) return 4;
      if (write_code(dir("pids") + "/sub/pids.max", "max") != 0) return 5;  // the parent's holds
      if (write_code(dir("cpu") + "/sub/cpu.cfs_quota_us", "200000") == 0) return 6;
      if (write_code(dir("devices") + "/sub/devices.allow", "a") != EPERM) return 7;
      for (const char* name : {"memory", "cpu", "cpuset", "pids", "freezer"})
        if (write_code(dir(name) + "/sub/cgroup.procs", "0") != 0) return 8;
      int forked = 0;
      signal(SIGCHLD, SIG_DFL);
      for (; forked < 300; ++forked) {
        pid_t pid = fork();
        if (pid == 0) return test::sleep_forever();
        if (pid < 0) break;
      }
      return forked < 100 ? 0 : 9;
    });
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(CgroupV1, ThrottledBlkioIsWithheld) {
  ASSERT_OK(manager_->create({}));
  ASSERT_OK(manager_->delegate(100000, 100000));
  auto owner = [&](const char* hierarchy) {
    struct stat stat{};
    EXPECT_EQ(::stat(dir(hierarchy).c_str(), &stat), 0);
    return stat.st_uid;
  };
  EXPECT_EQ(owner("blkio"), 100000u);
  spec::Resources throttle;
  struct stat disk{};
  if (stat("/dev/vda", &disk) != 0) GTEST_SKIP() << "no /dev/vda to throttle";
  throttle.block_io.emplace().throttle_write_bps = {
      {major(disk.st_rdev), minor(disk.st_rdev), 1 << 20}};
  auto refused = manager_->update(throttle);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("throttle"), std::string::npos);
  ASSERT_OK(manager_->destroy(1000));
  ASSERT_OK(manager_->create(throttle));
  ASSERT_OK(manager_->delegate(100000, 100000));
  EXPECT_EQ(owner("blkio"), 0u);
  EXPECT_EQ(owner("memory"), 100000u);
  auto views = manager_->views().value();
  for (const View& view : views)
    EXPECT_EQ(view.delegated, view.name != "blkio") << view.name;
  EXPECT_NE(value("blkio", "blkio.throttle.write_bps_device").find("1048576"), std::string::npos);
}

// --- devices
// --------------------------------------------------------------------------------------------

TEST_F(CgroupV1, DevicesAreEnforced) {
  spec::Resources resources;
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 5, .access = "r"}};
  ASSERT_OK(manager_->create(resources));
  EXPECT_EQ(value("devices", "devices.list"), "c 1:3 rwm\nc 1:5 r");
  auto opens = [&](const char* path, int flags) {
    auto way = manager_->entrance();
    Process child([&] {
      if (enter_self(way->tasks) != 0) return 90;
      return open(path, flags | O_CLOEXEC) >= 0 ? 0 : errno;
    });
    return child.wait();
  };
  EXPECT_EQ(opens("/dev/null", O_RDWR), 0);
  EXPECT_EQ(opens("/dev/zero", O_RDONLY), 0);
  EXPECT_EQ(opens("/dev/zero", O_RDWR), EPERM);
  EXPECT_EQ(opens("/dev/urandom", O_RDONLY), EPERM);
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 9, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rw"}};
  ASSERT_OK(load()->update(resources));
  EXPECT_EQ(opens("/dev/null", O_RDWR), 0);
  EXPECT_EQ(opens("/dev/urandom", O_RDONLY), 0);
  EXPECT_EQ(opens("/dev/zero", O_RDONLY), EPERM);
  resources.devices = {{.allow = true, .access = "rwm"}};
  ASSERT_OK(load()->update(resources));
  EXPECT_EQ(opens("/dev/zero", O_RDWR), 0);
  resources.devices.push_back({.allow = false, .type = 'c', .major = 1, .minor = 5, .access = "w"});
  ASSERT_OK(load()->update(resources));
  EXPECT_EQ(opens("/dev/zero", O_RDWR), EPERM);
  EXPECT_EQ(opens("/dev/zero", O_RDONLY), 0);
}

// --- numbers
// ----------------------------------------------------------------------------------------------

TEST_F(CgroupV1, Stats) {
  ASSERT_OK(manager_->create(limits()));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  Process child([&] {
    if (enter_self(way->tasks) != 0) return 1;
    std::vector<char> memory(8 << 20, 1);
    return test::sleep_forever();
  });
  Stats stats;
  for (int i = 0; i < 2000 && stats.memory.usage < (8u << 20); ++i) {
    usleep(1000);
    stats = manager_->stats().value();
  }
  EXPECT_GE(stats.memory.usage, 8u << 20);
  EXPECT_EQ(stats.memory.limit, 64u << 20);
  EXPECT_GE(stats.memory.max, stats.memory.usage);
  EXPECT_EQ(stats.swap.limit, 96u << 20);
  EXPECT_GT(stats.memory_raw.size(), 10u);
  EXPECT_EQ(stats.pids_current, 1u);
  EXPECT_EQ(stats.pids_limit, 100u);
  EXPECT_GT(stats.cpu_total_ns, 0u);
  EXPECT_FALSE(stats.cpu_percpu_ns.empty());
}

TEST_F(CgroupV1, OomIsToldOfAndTheEnd) {
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.limit = 8 << 20, .swap = 8 << 20};
  ASSERT_OK(manager_->create(resources));
  auto watch = manager_->watch_oom();
  ASSERT_OK(watch);
  EXPECT_EQ(watch->take()->ooms, 0u);
  auto way = manager_->entrance();
  Process child([&] {
    if (enter_self(way->tasks) != 0) return 1;
    std::vector<char> memory(64 << 20, 1);
    return 2;
  });
  pollfd poll{.fd = watch->fd(), .events = POLLIN};
  ASSERT_EQ(::poll(&poll, 1, 10000), 1);
  EXPECT_GE(watch->take()->ooms, 1u);
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
  EXPECT_GE(manager_->stats()->oom_kills, 1u);
  (void)watch->take();
  ASSERT_OK(manager_->destroy(2000));
  ASSERT_EQ(::poll(&poll, 1, 10000), 1);
  EXPECT_TRUE(watch->take()->ended);
}

TEST_F(CgroupV1, PathsAndViews) {
  ASSERT_OK(manager_->create({}));
  std::map<std::string, std::string> paths;
  for (auto& [controller, path] : manager_->paths()) paths[controller] = path;
  EXPECT_EQ(paths["memory"], dir("memory"));
  EXPECT_EQ(paths["name=systemd"], dir("systemd"));
  EXPECT_EQ(manager_->views()->size(), find_host()->hierarchies.size());
}

TEST(CgroupTree, WalkSurvivesRemovalUnderIt) {
  if (geteuid() != 0 || detect_mode().value_or(Mode::kUnified) == Mode::kUnified)
    GTEST_SKIP() << "needs root and a v1 host";
  std::string top = cat("/sys/fs/cgroup/pids/bulkhead-test-", getpid());
  ASSERT_EQ(mkdir(top.c_str(), 0755), 0);
  for (const char* name : {"/a", "/a/b", "/a/b/c", "/d"})
    ASSERT_EQ(mkdir((top + name).c_str(), 0755), 0);
  UniqueFd dir = open_directory(AT_FDCWD, top.c_str());
  int visited = 0;
  auto walked = walk(dir.get(), [&](BorrowedFd) -> Result<> {
    ++visited;
    for (const char* name : {"/a/b/c", "/a/b", "/a"}) rmdir((top + name).c_str());
    return {};
  });
  EXPECT_TRUE(walked) << walked.error().message;
  EXPECT_GE(visited, 2);
  rmdir((top + "/d").c_str());
  EXPECT_EQ(rmdir(top.c_str()), 0);
}

}  // namespace
}  // namespace bulkhead::cgroup
