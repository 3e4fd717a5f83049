// The v1 manager on the real hierarchies of the host, below /bulkhead-test-<pid>.
#include <dirent.h>
#include <sched.h>

#include "base/strings.h"
#include "cgroup/files.h"
#include "cgroup/host.h"
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
  static std::string base() { return cat("/bulkhead-test-", getpid()); }
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

}  // namespace
}  // namespace bulkhead::cgroup
