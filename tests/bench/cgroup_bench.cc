// What a container's cgroups cost a Docker-like `create` and `delete`, step by step, against the
// floor: mkdir and rmdir of the same directories. Medians of many rounds; makes real cgroups.
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"

namespace bulkhead::cgroup {
namespace {

double now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

class Table {
 public:
  void add(const char* step, double us) {
    if (!samples_.contains(step)) order_.push_back(step);
    samples_[step].push_back(us);
  }
  void print() {
    for (const std::string& step : order_) {
      auto& all = samples_[step];
      std::ranges::sort(all);
      printf("%-34s median %7.0f us   p90 %7.0f us\n", step.c_str(), all[all.size() / 2],
             all[all.size() * 9 / 10]);
    }
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> samples_;
};

template <typename Body>
void timed(Table& table, const char* step, Body body) {
  double start = now_us();
  auto result = body();
  table.add(step, now_us() - start);
  if (!result) {
    fprintf(stderr, "%s: %s\n", step, result.error().message.c_str());
    exit(1);
  }
}

spec::Resources docker_resources() {
  spec::Resources resources;
  resources.memory = spec::MemoryResources{.disable_oom_killer = false};
  resources.cpu = spec::CpuResources{.shares = 0};
  resources.block_io = spec::BlockIoResources{.weight = 0};
  resources.devices.push_back({.allow = false, .access = "rwm"});
  for (auto [major, minor] : {std::pair{1, 5}, {1, 3}, {1, 9}, {1, 8}, {5, 0}, {5, 1}})
    resources.devices.push_back(
        {.allow = true, .type = 'c', .major = major, .minor = minor, .access = "rwm"});
  return resources;
}

pid_t clone_child(BorrowedFd into) {
  clone_args args{.flags = into >= 0 ? CLONE_INTO_CGROUP : 0ull, .exit_signal = SIGCHLD,
                  .cgroup = into >= 0 ? static_cast<std::uint64_t>(into) : 0};
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

// The child enters by itself, tells by closing the pipe, and waits for its end.
void enter_by_entrance(Table& table, Manager& manager, pid_t& pid) {
  Entrance way;
  timed(table, "entrance (open)", [&]() -> Result<> {
    auto opened = manager.entrance();
    if (!opened) return std::unexpected(opened.error());
    way = std::move(*opened);
    return {};
  });
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) exit(1);
  double start = now_us();
  pid = clone_child(way.clone_into.get());
  if (pid == 0) {
    double begin = now_us();
    int code = enter_self(way.tasks);
    double spent = code == 0 ? now_us() - begin : -1;
    [[maybe_unused]] auto written = write(ready[1], &spent, sizeof spent);
    pause();
    _exit(0);
  }
  double spent = 0;
  if (read(ready[0], &spent, sizeof spent) != sizeof spent || spent < 0) exit(1);
  table.add("clone3 + child enters (wall)", now_us() - start);
  table.add("  of it: enter_self in the child", spent);
  close(ready[0]);
  close(ready[1]);
}

void floor_round(Table& table, const Host& host, const std::string& path) {
  double start = now_us();
  for (const Hierarchy& one : host.hierarchies)
    mkdirat(host.root.get(), (one.name + path).c_str(), 0755);
  double made = now_us();
  for (const Hierarchy& one : host.hierarchies)
    unlinkat(host.root.get(), (one.name + path).c_str(), AT_REMOVEDIR);
  table.add("floor: mkdir", made - start);
  table.add("floor: rmdir", now_us() - made);
}

void our_round(Table& table, const std::string& path, bool slow) {
  std::unique_ptr<Manager> manager;
  auto resources = docker_resources();
  double start = now_us();
  timed(table, "make_manager (find hierarchies)", [&]() -> Result<> {
    auto made = make_manager(locate(path, "x", false).value());
    if (made) manager = std::move(*made);
    return made ? Result<>() : std::unexpected(made.error());
  });
  timed(table, "create (Docker's resources)", [&] { return manager->create(resources); });
  pid_t pid = 0;
  if (slow) {
    pid = clone_child(-1);
    if (pid == 0) {
      pause();
      _exit(0);
    }
    timed(table, "enter(pid): RCU grace period", [&] { return manager->enter(pid); });
  } else {
    enter_by_entrance(table, *manager, pid);
  }
  timed(table, "delegate", [&] { return manager->delegate(100000, 100000); });
  if (!slow) table.add("all of create's part", now_us() - start);
  timed(table, "kill_all", [&] { return manager->kill_all(); });
  waitpid(pid, nullptr, 0);
  timed(table, "destroy", [&] { return manager->destroy(1000); });
}

int run(int rounds) {
  Table table;
  Host host = find_host().value();
  std::string parent = cat("/bulkhead-test-bench-", getpid());
  for (const Hierarchy& one : host.hierarchies)
    mkdirat(host.root.get(), (one.name + parent).c_str(), 0755);
  for (int i = 0; i < rounds; ++i) {
    floor_round(table, host, parent + "/x");
    our_round(table, parent + "/x", false);
    usleep(5000);
  }
  for (int i = 0; i < rounds / 10; ++i) {
    usleep(50000);
    our_round(table, parent + "/x", true);
  }
  for (const Hierarchy& one : host.hierarchies)
    unlinkat(host.root.get(), (one.name + parent).c_str(), AT_REMOVEDIR);
  printf("%zu hierarchies, %d rounds\n", host.hierarchies.size(), rounds);
  table.print();
  return 0;
}

}  // namespace
}  // namespace bulkhead::cgroup

int main(int argc, char** argv) { return bulkhead::cgroup::run(argc > 1 ? atoi(argv[1]) : 200); }
