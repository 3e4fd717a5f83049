#include "spec/default_spec.h"

#include <span>
#include <string_view>

#include "json/write.h"

namespace bulkhead::spec {
namespace {

using json::Writer;
using Names = std::span<const std::string_view>;

struct DefaultMount {
  std::string_view destination, type, source;
  Names options;
};

constexpr std::string_view kCapabilities[] = {"CAP_AUDIT_WRITE", "CAP_KILL",
                                              "CAP_NET_BIND_SERVICE"};
constexpr std::string_view kDevOptions[] = {"nosuid", "strictatime", "mode=755", "size=65536k"};
constexpr std::string_view kPtsOptions[] = {"nosuid",        "noexec",    "newinstance",
                                            "ptmxmode=0666", "mode=0620", "gid=5"};
constexpr std::string_view kShmOptions[] = {"nosuid", "noexec", "nodev", "mode=1777",
                                            "size=65536k"};
constexpr std::string_view kMqueueOptions[] = {"nosuid", "noexec", "nodev"};
constexpr std::string_view kSysOptions[] = {"nosuid", "noexec", "nodev", "ro"};
constexpr std::string_view kCgroupOptions[] = {"nosuid", "noexec", "nodev", "relatime", "ro"};
constexpr DefaultMount kMounts[] = {
    {"/proc", "proc", "proc", {}},
    {"/dev", "tmpfs", "tmpfs", kDevOptions},
    {"/dev/pts", "devpts", "devpts", kPtsOptions},
    {"/dev/shm", "tmpfs", "shm", kShmOptions},
    {"/dev/mqueue", "mqueue", "mqueue", kMqueueOptions},
    {"/sys", "sysfs", "sysfs", kSysOptions},
    {"/sys/fs/cgroup", "cgroup", "cgroup", kCgroupOptions},
};
constexpr std::string_view kNamespaces[] = {"pid", "network", "ipc", "uts", "mount", "cgroup"};
constexpr std::string_view kMasked[] = {
    "/proc/acpi",       "/proc/asound",      "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/sys/firmware",    "/proc/scsi"};
constexpr std::string_view kReadonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

void write_process(Writer& json) {
  constexpr std::string_view kArgs[] = {"sh"};
  constexpr std::string_view kEnv[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  json.key("process").begin_object().field("terminal", true);
  json.key("user").begin_object().field("uid", 0).field("gid", 0).end_object();
  json.field("args", kArgs).field("env", kEnv).field("cwd", "/");
  json.key("capabilities").begin_object();
  // Not "inheritable": CVE-2022-29162. Not "ambient", which a shell of root has no use for.
  for (auto set : {"bounding", "effective", "permitted"}) json.field(set, kCapabilities);
  json.end_object().key("rlimits").begin_array().begin_object();
  json.field("type", "RLIMIT_NOFILE").field("hard", 1024).field("soft", 1024);
  json.end_object().end_array().field("noNewPrivileges", true).end_object();
}

void write_mounts(Writer& json) {
  json.key("mounts").begin_array();
  for (const auto& mount : kMounts) {
    json.begin_object().field("destination", mount.destination);
    json.field("type", mount.type).field("source", mount.source);
    if (!mount.options.empty()) json.field("options", mount.options);
    json.end_object();
  }
  json.end_array();
}

void write_linux(Writer& json) {
  json.key("linux").begin_object();
  json.key("resources").begin_object().key("devices").begin_array();
  json.begin_object().field("allow", false).field("access", "rwm").end_object();
  json.end_array().end_object();
  json.key("namespaces").begin_array();
  for (auto type : kNamespaces) json.begin_object().field("type", type).end_object();
  json.end_array().field("maskedPaths", kMasked).field("readonlyPaths", kReadonly).end_object();
}

}  // namespace

std::string default_spec() {
  Writer json(Writer::Style::kPretty);
  json.begin_object().field("ociVersion", "1.2.0");
  write_process(json);
  json.key("root").begin_object().field("path", "rootfs").field("readonly", true).end_object();
  json.field("hostname", "bulkhead");
  write_mounts(json);
  write_linux(json);
  json.end_object();
  return std::move(json).take() + "\n";
}

}  // namespace bulkhead::spec
