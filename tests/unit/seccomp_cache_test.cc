#include "seccomp/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <set>

#include "scratch_dir.h"
#include "seccomp/filter.h"
#include "seccomp_profile.h"

namespace bulkhead::seccomp {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ScratchDir;

spec::Seccomp small_profile(std::uint32_t errno_ret = 5) {
  return {.default_action = "SCMP_ACT_ALLOW",
          .syscalls = {{.names = {"getppid"}, .action = "SCMP_ACT_ERRNO", .errno_ret = errno_ret}}};
}

bool same(const std::vector<sock_filter>& a, const std::vector<sock_filter>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

std::vector<fs::path> files(const ScratchDir& dir) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(dir.path())) out.push_back(entry.path());
  return out;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void set_content(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// A cache that answers `errno 9` where the profile says 5: use of it can be seen.
void plant(const ScratchDir& dir) {
  ASSERT_TRUE(store_entry(dir.fd(), cache_key(small_profile(5)),
                          compile(small_profile(9)).value().program));
}

bool uses_plant(const ScratchDir& dir) {
  const auto program = compile_cached(small_profile(5), dir.fd()).value().program;
  return same(program, compile(small_profile(9)).value().program);
}

TEST(SeccompCache, HitIsWhatWasCompiled) {
  ScratchDir dir;
  const auto profile = testing::load_profile("docker-default-seccomp.json");
  const auto compiled = compile(profile).value();
  const auto first = compile_cached(profile, dir.fd()).value();
  ASSERT_EQ(files(dir).size(), 1u);
  const auto second = compile_cached(profile, dir.fd()).value();
  EXPECT_TRUE(same(compiled.program, first.program));
  EXPECT_TRUE(same(compiled.program, second.program));
  EXPECT_EQ(second.flags, compiled.flags);
  struct stat info {};
  ASSERT_EQ(stat(files(dir)[0].c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(files(dir)[0].filename().string().size(), 64u);
}

TEST(SeccompCache, HitIsUsed) {
  ScratchDir dir;
  plant(dir);
  EXPECT_TRUE(uses_plant(dir));
}

TEST(SeccompCache, FlagsAndNotifyAreTheProfilesOwn) {
  ScratchDir dir;
  auto profile = small_profile();
  EXPECT_TRUE(compile_cached(profile, dir.fd()).has_value());
  profile.flags = {"SECCOMP_FILTER_FLAG_LOG"};
  EXPECT_EQ(compile_cached(profile, dir.fd()).value().flags,
            static_cast<std::uint32_t>(SECCOMP_FILTER_FLAG_LOG));
  EXPECT_EQ(files(dir).size(), 1u);
  profile.flags = {"x"};
  EXPECT_FALSE(compile_cached(profile, dir.fd()).has_value());  // a hit does not skip the checks
}

TEST(SeccompCache, WithoutADirectory) {
  EXPECT_TRUE(same(compile_cached(small_profile(), -1).value().program,
                   compile(small_profile()).value().program));
}

TEST(SeccompCache, KeyTellsEveryFieldApart) {
  spec::Seccomp base{.default_action = "SCMP_ACT_ERRNO",
                     .syscalls = {{.names = {"ab", "c"},
                                   .action = "SCMP_ACT_ALLOW",
                                   .args = {{.index = 1, .value = 2, .value_two = 3,
                                             .op = "SCMP_CMP_EQ"}}},
                                  {.names = {"d"}, .action = "SCMP_ACT_ALLOW"}}};
  std::set<std::string> seen{canonical_bytes(base)};
  auto differs = [&](auto change) {
    auto profile = base;
    change(profile);
    EXPECT_TRUE(seen.insert(canonical_bytes(profile)).second) << "variant " << seen.size();
  };
  using P = spec::Seccomp&;
  differs([](P p) { p.default_action = "SCMP_ACT_KILL"; });
  differs([](P p) { p.default_errno_ret = 0; });
  differs([](P p) { p.default_errno_ret = 1; });
  differs([](P p) { p.architectures = {"SCMP_ARCH_X86"}; });
  differs([](P p) { p.architectures = {""}; });
  differs([](P p) { p.syscalls[0].names = {"a", "bc"}; });
  differs([](P p) { p.syscalls[0].names = {"abc"}; });
  differs([](P p) { p.syscalls[0].names = {"ab", "c", "d"}; p.syscalls.pop_back(); });
  differs([](P p) { p.syscalls[0].action = "SCMP_ACT_LOG"; });
  differs([](P p) { p.syscalls[0].errno_ret = 0; });
  differs([](P p) { p.syscalls[0].args[0].index = 2; });
  differs([](P p) { p.syscalls[0].args[0].value = 200; });
  differs([](P p) { p.syscalls[0].args[0].value_two = 1ull << 63; });
  differs([](P p) { p.syscalls[0].args[0].op = "SCMP_CMP_NE"; });
  differs([](P p) { p.syscalls[0].args.clear(); });
  differs([](P p) { std::swap(p.syscalls[0], p.syscalls[1]); });
}

TEST(SeccompCache, EveryFlippedBitIsAMiss) {
  const auto key = cache_key(small_profile());
  const auto program = compile(small_profile()).value().program;
  const std::string entry = encode_entry(key, program);
  ASSERT_TRUE(decode_entry(entry, key).has_value());
  for (std::size_t bit = 0; bit < entry.size() * 8; ++bit) {
    std::string changed = entry;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_entry(changed, key).has_value()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < entry.size(); ++size)
    EXPECT_FALSE(decode_entry(entry.substr(0, size), key).has_value()) << size;
  EXPECT_FALSE(decode_entry(entry + "x", key).has_value());
  EXPECT_FALSE(decode_entry(entry + std::string(8, '\0'), key).has_value());
}

TEST(SeccompCache, ImpossibleCounts) {
  const auto key = cache_key(small_profile());
  EXPECT_FALSE(decode_entry(encode_entry(key, {}), key).has_value());
  const std::vector<sock_filter> longest(BPF_MAXINSNS), too_long(BPF_MAXINSNS + 1);
  EXPECT_TRUE(decode_entry(encode_entry(key, longest), key).has_value());
  EXPECT_FALSE(decode_entry(encode_entry(key, too_long), key).has_value());
}

TEST(SeccompCache, DamagedEntriesAreReplaced) {
  ScratchDir dir;
  plant(dir);
  const fs::path entry = files(dir)[0];
  std::string content = content_of(entry);
  content.back() ^= 1;
  set_content(entry, content);
  EXPECT_FALSE(uses_plant(dir));
  EXPECT_EQ(content_of(entry), encode_entry(cache_key(small_profile()),
                                            compile(small_profile()).value().program));
}

TEST(SeccompCache, EntriesThatOthersCouldHaveMadeAreNotUsed) {
  struct Case {
    const char* name;
    void (*spoil)(const fs::path& entry, const fs::path& dir);
  };
  const Case cases[] = {
      {"group-readable",
       [](const fs::path& entry, const fs::path&) { chmod(entry.c_str(), 0640); }},
      {"world-writable",
       [](const fs::path& entry, const fs::path&) { chmod(entry.c_str(), 0602); }},
      {"executable", [](const fs::path& entry, const fs::path&) { chmod(entry.c_str(), 0700); }},
      {"setuid", [](const fs::path& entry, const fs::path&) { chmod(entry.c_str(), 04600); }},
      {"hard link", [](const fs::path& entry,
                       const fs::path& dir) { fs::create_hard_link(entry, dir / "other"); }},
      {"symlink",
       [](const fs::path& entry, const fs::path& dir) {
         fs::rename(entry, dir / "other");
         fs::create_symlink("other", entry);
       }},
      {"directory open to others",
       [](const fs::path&, const fs::path& dir) { chmod(dir.c_str(), 0750); }},
  };
  for (const Case& row : cases) {
    ScratchDir dir;
    plant(dir);
    ASSERT_TRUE(uses_plant(dir)) << row.name;
    row.spoil(files(dir)[0], dir.path());
    EXPECT_FALSE(uses_plant(dir)) << row.name;
  }
}

TEST(SeccompCache, FifoDoesNotHang) {
  ScratchDir dir;
  plant(dir);
  const fs::path entry = files(dir)[0];
  fs::remove(entry);
  ASSERT_EQ(mkfifo(entry.c_str(), 0600), 0);
  EXPECT_FALSE(uses_plant(dir));
}

TEST(SeccompCache, ForeignOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  ScratchDir dir;
  plant(dir);
  ASSERT_EQ(chown(files(dir)[0].c_str(), 12345, 0), 0);
  EXPECT_FALSE(uses_plant(dir));
  ScratchDir foreign;
  plant(foreign);
  ASSERT_EQ(chown(foreign.path().c_str(), 12345, 0), 0);
  EXPECT_FALSE(uses_plant(foreign));
}

TEST(SeccompCache, LongestUnusedGoFirst) {
  ScratchDir dir;
  const auto used = cache_key(small_profile(1));
  const auto program = compile(small_profile()).value().program;
  for (std::uint32_t i = 1; i <= kCacheEntries; ++i) {
    ASSERT_TRUE(store_entry(dir.fd(), cache_key(small_profile(i)), program));
    const auto age = std::chrono::hours(1) + std::chrono::seconds(kCacheEntries - i);
    for (const auto& path : files(dir))
      if (fs::last_write_time(path) > fs::file_time_type::clock::now() - std::chrono::minutes(1))
        fs::last_write_time(path, fs::file_time_type::clock::now() - age);
  }
  EXPECT_EQ(files(dir).size(), kCacheEntries);
  ASSERT_TRUE(load_entry(dir.fd(), used).has_value());  // the oldest one: use renews it
  for (std::uint32_t i = 0; i < 10; ++i)
    ASSERT_TRUE(store_entry(dir.fd(), cache_key(small_profile(1000 + i)), program));
  EXPECT_EQ(files(dir).size(), kCacheEntries);
  EXPECT_TRUE(load_entry(dir.fd(), used).has_value());
  EXPECT_FALSE(load_entry(dir.fd(), cache_key(small_profile(2))).has_value());
  EXPECT_TRUE(load_entry(dir.fd(), cache_key(small_profile(kCacheEntries))).has_value());
}

TEST(SeccompCache, AbandonedTemporaryFilesGo) {
  ScratchDir dir;
  set_content(dir.path() / ".tmp-1-1-1", "half");
  set_content(dir.path() / ".tmp-2-2-2", "in work");
  fs::last_write_time(dir.path() / ".tmp-1-1-1",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_TRUE(compile_cached(small_profile(), dir.fd()).has_value());
  EXPECT_FALSE(fs::exists(dir.path() / ".tmp-1-1-1"));
  EXPECT_TRUE(fs::exists(dir.path() / ".tmp-2-2-2"));
}

TEST(SeccompCache, FullDiskCostsOnlyTime) {
  ScratchDir dir;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit tiny{20, 20};
    setrlimit(RLIMIT_FSIZE, &tiny);
    const auto key = cache_key(small_profile());
    const std::vector<sock_filter> program(10);
    auto stored = store_entry(dir.fd(), key, program);
    if (stored) _exit(1);
    if (!fs::is_empty(dir.path())) _exit(2);
    if (stored.error().message.find("seccomp cache: write an entry") != 0) _exit(3);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Twelve writers over a few keys, some killed at any moment: whatever can be read is right.
TEST(SeccompCache, WritersAtOnceAndKilled) {
  ScratchDir dir;
  std::vector<std::vector<sock_filter>> programs;
  for (std::uint32_t i = 0; i < 4; ++i)
    programs.push_back(compile(small_profile(100 + i)).value().program);
  std::mt19937 random(7);
  std::vector<pid_t> writers;
  for (int i = 0; i < 12; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (std::uint32_t round = 0;; ++round) {
        const std::uint32_t at = (round + static_cast<std::uint32_t>(i)) % 4;
        const auto key = cache_key(small_profile(100 + at));
        if (!store_entry(dir.fd(), key, programs[at])) _exit(1);
        auto read = load_entry(dir.fd(), key);
        // ENOENT cannot be: nothing is evicted. A link count of 0 can: renamed over meanwhile.
        if (read && !same(*read, programs[at])) _exit(2);
      }
    }
    writers.push_back(child);
  }
  for (pid_t writer : writers) {
    usleep(random() % 20000);
    kill(writer, SIGKILL);
    int status = -1;
    waitpid(writer, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    auto entry = load_entry(dir.fd(), cache_key(small_profile(100 + i)));
    ASSERT_TRUE(entry.has_value()) << entry.error().message;
    EXPECT_TRUE(same(*entry, programs[i]));
  }
}

}  // namespace
}  // namespace bulkhead::seccomp
