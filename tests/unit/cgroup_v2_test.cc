// The v2 manager: in a private mount namespace with cgroup2 on /sys/fs/cgroup, below
// /bulkhead-test-<pid>. A host that runs v1 beside has few controllers here; tests that need
// another skip by its name.
#include <grp.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/strings.h"
#include "cgroup/device_rules.h"
#include "cgroup/files.h"
#include "cgroup/host.h"
#include "cgroup/oom.h"
#include "cgroup/stats.h"
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

constexpr const char* kRoot = "/sys/fs/cgroup";

class CgroupV2 : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    base();
    if (geteuid() != 0) return;
    struct statfs info{};
    if (statfs(kRoot, &info) != 0 || info.f_type != CGROUP2_SUPER_MAGIC)
      ready_ = unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0 &&
               mount("cgroup2", kRoot, "cgroup2", 0, "") == 0;
    else
      ready_ = true;
    lock_ = test::lock_cgroup2();
    enabled_ = trim(test::slurp("/sys/fs/cgroup/cgroup.subtree_control"));
  }
  // The root's controllers are enabled for its children as a side effect; taken back.
  static void TearDownTestSuite() {
    std::string now(trim(test::slurp("/sys/fs/cgroup/cgroup.subtree_control")));
    for (std::string_view name : split(now, ' '))
      if (!name.empty() && (" " + enabled_ + " ").find(cat(" ", name, " ")) == std::string::npos)
        (void)write_file(AT_FDCWD, "/sys/fs/cgroup/cgroup.subtree_control", cat("-", name));
    lock_.reset();
  }
  void SetUp() override {
    if (!ready_) GTEST_SKIP() << "needs root, and cgroup2 must be mountable: " << strerror(errno);
    manager_ = load();
  }
  void TearDown() override {
    if (!manager_) return;
    EXPECT_TRUE(manager_->kill_all());
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    auto gone = manager_->destroy(5000);
    EXPECT_TRUE(gone) << gone.error().message;
    UniqueFd root = open_directory(AT_FDCWD, kRoot);
    auto removed = remove_tree(root.get(), base().c_str() + 1);
    EXPECT_TRUE(removed) << removed.error().message;
  }
  static const std::string& base() {
    static const std::string name = cat("/bulkhead-test-", getpid());
    return name;
  }
  static std::unique_ptr<Manager> load(const std::string& path = base() + "/c1") {
    return make_manager(locate(path, "c1", false).value()).value();
  }
  static std::string dir() { return kRoot + base() + "/c1"; }
  static std::string value(const char* file) {
    return std::string(trim(test::slurp(dir() + "/" + file)));
  }
  static bool has_controller(std::string_view name) {
    std::string all =
        " " + std::string(trim(test::slurp("/sys/fs/cgroup/cgroup.controllers"))) + " ";
    return all.find(cat(" ", name, " ")) != std::string::npos;
  }
  static inline bool ready_ = false;
  static inline std::string enabled_;
  static inline UniqueFd lock_;
  std::unique_ptr<Manager> manager_;
};

// A child born in the cgroup.
pid_t clone_into(BorrowedFd cgroup) {
  clone_args args{.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
                  .cgroup = static_cast<std::uint64_t>(cgroup)};
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

std::string cgroup_of(pid_t pid) {
  return std::string(trim(test::slurp(cat("/proc/", pid, "/cgroup"))));
}

bool is_in(pid_t pid, const std::string& path) {
  std::string text = cgroup_of(pid);
  return text.find(cat("0::", path, "\n")) != std::string::npos || text.ends_with("0::" + path);
}

int write_code(const std::string& path, std::string_view text) {
  return write_file(AT_FDCWD, path.c_str(), text);
}

TEST_F(CgroupV2, ModeIsSeen) { EXPECT_EQ(detect_mode().value(), Mode::kUnified); }

TEST_F(CgroupV2, EnterAndEntrance) {
  ASSERT_OK(manager_->create({}));
  EXPECT_EQ(value("cgroup.controllers"), trim(test::slurp("/sys/fs/cgroup/cgroup.controllers")));
  Process moved(test::sleep_forever);
  ASSERT_OK(manager_->enter(moved.pid()));
  EXPECT_TRUE(is_in(moved.pid(), base() + "/c1"));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  EXPECT_TRUE(way->tasks.empty());
  pid_t born = clone_into(way->clone_into.get());
  if (born == 0) _exit(test::sleep_forever());
  ASSERT_GT(born, 0) << strerror(errno);
  EXPECT_TRUE(is_in(born, base() + "/c1"));
  EXPECT_EQ(load()->processes()->size(), 2u);
  ASSERT_OK(manager_->kill_all());
  EXPECT_EQ(moved.wait(), 128 + SIGKILL);
  waitpid(born, nullptr, 0);
}

TEST_F(CgroupV2, HugetlbLimit) {
  if (!has_controller("hugetlb")) GTEST_SKIP() << "no hugetlb controller in cgroup v2 here";
  spec::Resources resources;
  resources.hugepage_limits = {{.page_size = "2MB", .limit = 4 << 20}};
  ASSERT_OK(manager_->create(resources));
  EXPECT_EQ(value("hugetlb.2MB.max"), cat(4 << 20));
  EXPECT_EQ(value("hugetlb.2MB.rsvd.max"), cat(4 << 20));
  EXPECT_EQ(manager_->stats()->hugetlb["2MB"].limit, 4u << 20);
  resources.hugepage_limits.clear();
  resources.unified["hugetlb.2MB.max"] = "2097152";
  ASSERT_OK(load()->update(resources));
  EXPECT_EQ(value("hugetlb.2MB.max"), cat(2 << 20));
}

TEST_F(CgroupV2, MemoryAndCpuLimits) {
  for (const char* name : {"memory", "cpu", "pids"})
    if (!has_controller(name)) GTEST_SKIP() << "no " << name << " controller in cgroup v2 here";
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.limit = 64 << 20, .swap = 96 << 20};
  resources.cpu = spec::CpuResources{.shares = 1024, .quota = 25000};
  resources.pids_limit = 100;
  ASSERT_OK(manager_->create(resources));
  EXPECT_EQ(value("memory.max"), cat(64 << 20));
  EXPECT_EQ(value("memory.swap.max"), cat(32 << 20));
  EXPECT_EQ(value("cpu.weight"), "100");
  EXPECT_EQ(value("cpu.max"), "25000 100000");
  EXPECT_EQ(value("pids.max"), "100");
  resources = {};
  resources.cpu = spec::CpuResources{.period = 50000};
  ASSERT_OK(manager_->update(resources));
  EXPECT_EQ(value("cpu.max"), "25000 50000");
}

TEST_F(CgroupV2, OomIsToldOf) {
  if (!has_controller("memory")) GTEST_SKIP() << "no memory controller in cgroup v2 here";
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.limit = 8 << 20, .swap = 8 << 20};
  ASSERT_OK(manager_->create(resources));
  auto watch = manager_->watch_oom();
  ASSERT_OK(watch);
  auto way = manager_->entrance();
  pid_t child = clone_into(way->clone_into.get());
  if (child == 0) {
    std::vector<char> memory(64 << 20, 1);
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  auto news = watch->take();
  ASSERT_OK(news);
  EXPECT_EQ(news->ooms, 1u);
}

TEST_F(CgroupV2, MissingControllerIsNamedAndNothingIsLeft) {
  if (has_controller("memory")) GTEST_SKIP() << "cgroup v2 has the memory controller here";
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.limit = 64 << 20};
  auto refused = manager_->create(resources);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("resources.memory.limit: no memory.max"),
            std::string::npos);
  EXPECT_NE(refused.error().message.find("controller \"memory\""), std::string::npos);
  EXPECT_FALSE(test::exists(kRoot + base()));
  resources = {};
  resources.unified["rdma.max"] = "mlx5_0 hca_handle=3";
  EXPECT_FALSE(manager_->create(resources));
  EXPECT_FALSE(test::exists(kRoot + base()));
}

TEST_F(CgroupV2, FileInTheWayLeavesNothing) {
  EXPECT_FALSE(load(base() + "/cgroup.procs/c1")->create({}));
  EXPECT_FALSE(test::exists(kRoot + base()));
  EXPECT_FALSE(load(base() + "/cgroup.procs")->create({}));
}

TEST_F(CgroupV2, RefusesUsedAndFrozenOnes) {
  ASSERT_OK(manager_->create({}));
  {
    Process child(test::sleep_forever);
    ASSERT_OK(manager_->enter(child.pid()));
    auto refused = load()->create({});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("already has processes"), std::string::npos);
  }
  ASSERT_EQ(mkdir((dir() + "/old").c_str(), 0755), 0);
  ASSERT_OK(load()->create({}));
  EXPECT_FALSE(test::exists(dir() + "/old"));
  manager_ = load();
  ASSERT_OK(manager_->freeze(true));
  auto refused = load()->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("frozen"), std::string::npos);
  refused = load(base() + "/c1/below")->create({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("frozen"), std::string::npos);
  EXPECT_FALSE(test::exists(dir() + "/below"));
}

TEST_F(CgroupV2, FreezeThawAndKillFrozen) {
  ASSERT_OK(manager_->create({}));
  Process child(test::sleep_forever);
  ASSERT_OK(manager_->enter(child.pid()));
  ASSERT_OK(manager_->freeze(true));
  EXPECT_EQ(load()->is_frozen().value(), true);
  ASSERT_OK(manager_->freeze(false));
  EXPECT_EQ(load()->is_frozen().value(), false);
  ASSERT_OK(manager_->freeze(true));
  ASSERT_OK(manager_->kill_all());
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
  ASSERT_OK(manager_->destroy(2000));
}

// No pids controller is needed to stop a fork bomb: cgroup.kill catches what is forked meanwhile.
TEST_F(CgroupV2, KillsAForkBomb) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  ASSERT_OK(manager_->create({}));
  auto way = manager_->entrance();
  ASSERT_OK(way);
  pid_t bomb = clone_into(way->clone_into.get());
  if (bomb == 0) {
    rlimit limit{600, 600};
    setrlimit(RLIMIT_NPROC, &limit);
    if (setresuid(200321, 200321, 200321) != 0) _exit(1);
    signal(SIGCHLD, SIG_IGN);
    for (time_t end = time(nullptr) + 5; time(nullptr) < end;) fork();
    _exit(0);
  }
  for (int i = 0; i < 5000 && manager_->processes()->size() < 200; ++i) usleep(1000);
  ASSERT_GE(manager_->processes()->size(), 200u);
  ASSERT_OK(manager_->kill_all());
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  ASSERT_OK(manager_->destroy(2000));
}

// `docker exec` after systemd or dockerd inside has enabled controllers for its children.
TEST_F(CgroupV2, ExecIntoNestedControllers) {
  if (!has_controller("hugetlb") && !has_controller("memory"))
    GTEST_SKIP() << "no domain controller in cgroup v2 here";
  std::string control = has_controller("memory") ? "+memory" : "+hugetlb";
  ASSERT_OK(manager_->create({}));
  Process init(test::sleep_forever), newcomer(test::sleep_forever);
  ASSERT_OK(manager_->enter(init.pid()));
  ASSERT_EQ(mkdir((dir() + "/init.scope").c_str(), 0755), 0);
  ASSERT_EQ(write_code(dir() + "/init.scope/cgroup.procs", cat(init.pid())), 0);
  ASSERT_EQ(write_code(dir() + "/cgroup.subtree_control", control), 0);
  EXPECT_FALSE(manager_->enter(newcomer.pid())) << "the kernel's rule that this test is about";
  ASSERT_OK(manager_->enter(newcomer.pid(), init.pid()));
  EXPECT_TRUE(is_in(newcomer.pid(), base() + "/c1/init.scope"));
  auto way = manager_->entrance(init.pid());
  ASSERT_OK(way);
  pid_t born = clone_into(way->clone_into.get());
  if (born == 0) _exit(test::sleep_forever());
  ASSERT_GT(born, 0) << strerror(errno);
  EXPECT_TRUE(is_in(born, base() + "/c1/init.scope"));
  kill(born, SIGKILL);
  waitpid(born, nullptr, 0);
  // Init's own cgroup closed too: a leaf is made.
  Process other(test::sleep_forever);
  ASSERT_OK(manager_->enter(other.pid(), getpid()));
  EXPECT_TRUE(is_in(other.pid(), base() + "/c1/bulkhead-exec"));
  ASSERT_OK(manager_->enter(other.pid(), init.pid()));
}

int as_container_root(const std::function<int()>& body) {
  if (setgroups(0, nullptr) != 0 || setresgid(100000, 100000, 100000) != 0 ||
      setresuid(100000, 100000, 100000) != 0)
    return 91;
  if (unshare(CLONE_NEWUSER) != 0) return 92;
  return body();
}

TEST_F(CgroupV2, D03LimitsCannotBeRaisedFromInside) {
  ASSERT_OK(manager_->create({}));
  ASSERT_OK(manager_->delegate(100000, 100000));
  EXPECT_TRUE(manager_->views()->at(0).delegated);
  Process child([&] {
    if (write_code(dir() + "/cgroup.procs", "0") != 0) return 1;
    return as_container_root([&] {
      const char* closed[] = {"cgroup.max.descendants", "cgroup.max.depth", "cgroup.freeze",
                              "cgroup.kill", "cgroup.type", "hugetlb.2MB.max", "memory.max",
                              "pids.max", "cpu.max", "memory.high", "io.max"};
      for (const char* file : closed) {
        int code = write_code(dir() + "/" + file, "max");
        if (code != EACCES && code != ENOENT) return 2;
      }
      if (write_code(dir() + "/../cgroup.procs", "0") != EACCES) return 3;
      if (mkdir((dir() + "/../c2").c_str(), 0755) == 0) return 4;
      if (mkdir((dir() + "/sub").c_str(), 0755) != 0) return 5;
      if (write_code(dir() + "/sub/cgroup.procs", "0") != 0) return 6;
      if (write_code(dir() + "/cgroup.procs", "0") != 0) return 7;
      return 0;
    });
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(CgroupV2, DescendantsAreBounded) {
  ASSERT_OK(manager_->create({}));
  EXPECT_EQ(value("cgroup.max.descendants"), "8192");
  ASSERT_OK(manager_->destroy(100));
  spec::Resources resources;
  resources.unified["cgroup.max.descendants"] = "3";
  ASSERT_OK(manager_->create(resources));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(mkdir(cat(dir(), "/", i).c_str(), 0755), 0);
  EXPECT_EQ(mkdir((dir() + "/4").c_str(), 0755), -1);
}

TEST_F(CgroupV2, DestroysDeepTrees) {
  ASSERT_OK(manager_->create({}));
  UniqueFd at = open_directory(AT_FDCWD, dir().c_str());
  for (int depth = 0; depth < 1000; ++depth) {
    ASSERT_EQ(mkdirat(at.get(), "deeper", 0755), 0) << depth << strerror(errno);
    at = open_directory(at.get(), "deeper");
  }
  at.reset();
  ASSERT_OK(manager_->destroy(1000));
  EXPECT_FALSE(test::exists(dir()));
}

// The eBPF program in the kernel: real opens, and replacement without a gap.
TEST_F(CgroupV2, DevicesAreEnforced) {
  spec::Resources resources;
  resources.devices = {{.allow = false, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"},
                       {.allow = true, .type = 'c', .major = 1, .minor = 5, .access = "r"}};
  ASSERT_OK(manager_->create(resources));
  auto opens = [&](const char* path, int flags) {
    Process child([&] {
      if (write_code(dir() + "/cgroup.procs", "0") != 0) return 90;
      return open(path, flags | O_CLOEXEC) >= 0 ? 0 : errno;
    });
    return child.wait();
  };
  EXPECT_EQ(opens("/dev/null", O_RDWR), 0);
  EXPECT_EQ(opens("/dev/zero", O_RDONLY), 0);
  EXPECT_EQ(opens("/dev/zero", O_RDWR), EPERM);
  EXPECT_EQ(opens("/dev/urandom", O_RDONLY), EPERM);
  for (int round = 0; round < 3; ++round) {
    resources.devices = {{.allow = false, .access = "rwm"},
                         {.allow = true, .type = 'c', .major = 1, .minor = kAny, .access = "rwm"},
                         {.allow = false, .type = 'c', .major = 1, .minor = 5, .access = "rw"}};
    ASSERT_OK(load()->update(resources));
    EXPECT_EQ(opens("/dev/urandom", O_RDWR), 0);
    EXPECT_EQ(opens("/dev/zero", O_RDONLY), EPERM);
  }
  resources.devices = {{.allow = true, .access = "rwm"}};
  ASSERT_OK(load()->update(resources));
  EXPECT_EQ(opens("/dev/zero", O_RDWR), 0);
}

// A reader in a loop must never see a device that both policies allow refused, nor one that both
// refuse allowed, while the policy is replaced.
TEST_F(CgroupV2, DevicePolicyIsReplacedAtomically) {
  spec::Resources one, two;
  one.devices = {{.allow = false, .access = "rwm"},
                 {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"}};
  two.devices = one.devices;
  two.devices.push_back({.allow = true, .type = 'c', .major = 1, .minor = 9, .access = "r"});
  ASSERT_OK(manager_->create(one));
  Process child([&] {
    if (write_code(dir() + "/cgroup.procs", "0") != 0) return 90;
    for (int i = 0; i < 20000; ++i) {
      UniqueFd allowed(open("/dev/null", O_RDWR | O_CLOEXEC));
      UniqueFd refused(open("/dev/zero", O_RDONLY | O_CLOEXEC));
      if (!allowed) return 1;
      if (refused) return 2;
    }
    return 0;
  });
  for (int i = 0; i < 200; ++i) ASSERT_OK(manager_->update(i % 2 ? one : two));
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(CgroupV2, StatsOfTheCore) {
  ASSERT_OK(manager_->create({}));
  Process child([&] {
    if (write_code(dir() + "/cgroup.procs", "0") != 0) return 1;
    for (std::uint64_t end = clock() + CLOCKS_PER_SEC / 50; std::uint64_t(clock()) < end;) {
    }
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  auto stats = manager_->stats();
  ASSERT_OK(stats);
  EXPECT_GT(stats->cpu_total_ns, 1'000'000u);
}

TEST_F(CgroupV2, AbsentOne) {
  EXPECT_TRUE(manager_->processes()->empty());
  EXPECT_TRUE(manager_->kill_all());
  EXPECT_FALSE(manager_->enter(getpid()));
  EXPECT_FALSE(manager_->update({}));
  EXPECT_FALSE(manager_->stats());
}

}  // namespace
}  // namespace bulkhead::cgroup
