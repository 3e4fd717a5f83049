#include "fetch/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "base/strings.h"
#include "seccomp/filter.h"
#include "seccomp/load.h"
#include "sys/capability.h"
#include "sys/file.h"

namespace bulkhead::fetch {
namespace {

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
// Every right of the first version of Landlock's interface.
constexpr std::uint64_t kHandled = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

// Resolver and TLS: configuration, libraries that glibc loads by name (NSS), authorities,
// randomness.
constexpr const char* kReadable[] = {"/etc",
                                     "/lib",
                                     "/lib64",
                                     "/usr/lib",
                                     "/usr/lib64",
                                     "/usr/share",
                                     "/usr/local/share/ca-certificates",
                                     "/run/systemd/resolve",
                                     "/run/resolvconf",
                                     "/run/NetworkManager",
                                     "/dev/urandom",
                                     "/dev/null",
                                     "/proc/sys/crypto",
                                     "/proc/sys/net"};

constexpr const char* kRefusedCalls[] = {"execve",
                                         "execveat",
                                         "ptrace",
                                         "process_vm_readv",
                                         "process_vm_writev",
                                         "pidfd_getfd",
                                         "kcmp",
                                         "mount",
                                         "umount2",
                                         "fsopen",
                                         "fsconfig",
                                         "fsmount",
                                         "fspick",
                                         "move_mount",
                                         "open_tree",
                                         "mount_setattr",
                                         "pivot_root",
                                         "chroot",
                                         "unshare",
                                         "setns",
                                         "bpf",
                                         "perf_event_open",
                                         "userfaultfd",
                                         "io_uring_setup",
                                         "io_uring_enter",
                                         "io_uring_register",
                                         "keyctl",
                                         "add_key",
                                         "request_key",
                                         "init_module",
                                         "finit_module",
                                         "delete_module",
                                         "kexec_load",
                                         "kexec_file_load",
                                         "reboot",
                                         "swapon",
                                         "swapoff",
                                         "open_by_handle_at",
                                         "name_to_handle_at",
                                         "acct",
                                         "quotactl",
                                         "personality"};

Result<> limit(int resource, rlim_t most) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) < 0)
    return fail_errno("read a limit");
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
  rlimit value{most, most};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &value) < 0)
    return fail_errno("set a limit");
  return {};
}

Result<> set_limits() {
  TRY(limit(RLIMIT_CORE, 0));
  TRY(limit(RLIMIT_FSIZE, 1u << 20));
  TRY(limit(RLIMIT_NOFILE, 128));
  TRY(limit(RLIMIT_NPROC, 64));  // workers, and the resolver's thread of each
  TRY(limit(RLIMIT_AS, 512u << 20));
  return {};
}

Result<> become(const User& user) {
  if (::geteuid() != 0) return {};
  if (::setgroups(0, nullptr) < 0) return fail_errno("leave the groups");
  if (::setresgid(user.gid, user.gid, user.gid) < 0) return fail_errno("set the group");
  if (int code = sys::drop_bounding(0); code < 0) return fail_errno("drop capabilities", -code);
  if (::setresuid(user.uid, user.uid, user.uid) < 0) return fail_errno("set the user");
  return {};
}

// A path that is not there needs no rule.
Result<> permit(BorrowedFd rules, const std::string& path, std::uint64_t access) {
  auto object = sys::open_path(path, O_PATH);
  if (!object) return {};
  auto st = TRY(sys::stat_fd(object->get(), path));
  if (!S_ISDIR(st.st_mode)) access &= ~std::uint64_t{LANDLOCK_ACCESS_FS_READ_DIR};
  landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = object->get()};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
    return fail_errno(cat("landlock: ", path));
  return {};
}

Result<> restrict_files(std::string_view cache_directory) {
  landlock_ruleset_attr handled{.handled_access_fs = kHandled};
  UniqueFd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!rules && (errno == ENOSYS || errno == EOPNOTSUPP)) return {};
  if (!rules) return fail_errno("landlock");
  for (const char* path : kReadable) TRY(permit(rules.get(), path, kRead));
  TRY(permit(rules.get(), std::string(cache_directory), kWrite));
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) < 0) return fail_errno("landlock");
  return {};
}

Result<> restrict_calls() {
  spec::Seccomp profile{.default_action = "SCMP_ACT_ALLOW"};
  profile.syscalls.push_back(
      {.names = {std::begin(kRefusedCalls), std::end(kRefusedCalls)}, .action = "SCMP_ACT_ERRNO"});
  auto filter = TRY(seccomp::compile(profile));
  if (int code = seccomp::install(filter.program, filter.flags); code < 0)
    return fail_errno("seccomp", -code);
  return {};
}

}  // namespace

Result<User> find_user(std::string_view text) {
  User user;
  auto colon = text.find(':');
  auto uid = parse_decimal<uid_t>(text.substr(0, colon));
  auto gid = colon == text.npos ? std::nullopt : parse_decimal<gid_t>(text.substr(colon + 1));
  if (uid && gid) {
    user = {*uid, *gid};
  } else {
    std::string name(text);
    const passwd* entry = ::getpwnam(name.c_str());
    if (!entry)
      return fail(cat("no user \"", name,
                      "\": make it with \"useradd --system --user-group --no-create-home "
                      "--shell /usr/sbin/nologin ",
                      name, "\", or give UID:GID"));
    user = {entry->pw_uid, entry->pw_gid};
  }
  if (user.uid == 0 || user.gid == 0)
    return fail(cat("\"", text, "\" is root, which is what this process must not be"));
  return user;
}

Result<> confine(const User& user, std::string_view cache_directory) {
  TRY(set_limits());
  TRY(become(user));
  if (int code = sys::set_capabilities({}); code < 0) return fail_errno("drop capabilities", -code);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("set no_new_privs");
  TRY(restrict_files(cache_directory));
  TRY(restrict_calls());
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail_errno("become undumpable");
  return {};
}

}  // namespace bulkhead::fetch
