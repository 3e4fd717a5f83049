// One wrong thing at a time, put into an otherwise good configuration.
#include <gmock/gmock.h>

#include "base/limits.h"
#include "base/strings.h"
#include "spec/read.h"

namespace bulkhead::spec {
namespace {

struct Case {
  std::string key, json;  // a key of the object in question and its wrong value
  std::string error;      // the whole message; empty: fine after all
};

void expect(const Result<Spec>& spec, const Case& c) {
  EXPECT_EQ(spec.has_value(), c.error.empty()) << c.key << ": " << c.json;
  if (!spec) {
    EXPECT_EQ(spec.error().message, c.error) << c.key << ": " << c.json;
  }
}

Result<Spec> with_top(std::string_view key, std::string_view json) {
  std::string text = "{";
  if (key != "ociVersion") text += R"("ociVersion":"1.0.2",)";
  if (key != "root") text += R"("root":{"path":"r"},)";
  return read_spec(cat(text, "\"", key, "\":", json, "}"));
}

TEST(SpecErrors, Top) {
  const Case kCases[] = {
      {"ociVersion", "\"1.0.2-dev\"", ""},
      {"ociVersion", "\"1.1.0+dev\"", ""},
      {"ociVersion", "\"1.0.0-rc5+x.y\"", ""},
      {"ociVersion", "\"2.0.0\"", "ociVersion: version 2 is not supported, only 1"},
      {"ociVersion", "\"0.9.0\"", "ociVersion: version 0 is not supported, only 1"},
      {"ociVersion", "\"1.0\"", "ociVersion: expected a version such as 1.2.1"},
      {"ociVersion", "\"1.x.0\"", "ociVersion: expected a version such as 1.2.1"},
      {"ociVersion", "\"\"", "ociVersion: expected a version such as 1.2.1"},
      {"ociVersion", "null", "ociVersion: is missing"},
      {"ociVersion", "1", "ociVersion: expected a string, found a number"},
      {"root", "null", "root: is missing"},
      {"root", "{}", "root.path: is missing"},
      {"root", R"({"path":""})", "root.path: must not be empty"},
      {"root", R"({"path":"r","Readonly":true})", "root.Readonly: must be written \"readonly\""},
      {"LINUX", "{}", "LINUX: must be written \"linux\""},
      {"anything", "[[[]]]", ""},
      {"annotations", R"({"":"x"})", "annotations: empty key"},
      {"annotations", R"({"a":"b","A":"c"})", ""},
      {"annotations", R"({"a":1})", "annotations.a: expected a string, found a number"},
      {"annotations", R"({"a":"b","a":"c"})",
       "line 1, column 67: duplicate key \"a\""},
      {"hostname", R"("a\u0000b")", "line 1, column 44: NUL character in a string"},
      {"hooks", R"({"prestart":[{"path":"rel"}]})",
       "hooks.prestart[0].path: must be an absolute path"},
      {"hooks", R"({"poststop":[{"path":"/h","timeout":0}]})",
       "hooks.poststop[0].timeout: 0 is out of range (1 to 2147483647)"},
      {"hooks", R"({"createRuntime":[{}]})", "hooks.createRuntime[0].path: is missing"},
      {"mounts", "{}", "mounts: expected an array, found an object"},
      {"mounts", R"([{"type":"bind"}])", "mounts[0].destination: is missing"},
      {"mounts", R"([{"destination":""}])", "mounts[0].destination: must not be empty"},
      {"mounts", R"([{"destination":"/a","options":["ro",7]}])",
       "mounts[0].options[1]: expected a string, found a number"},
      {"mounts", R"([{"destination":"/a","uidMappings":[{"containerID":0,"hostID":1,"size":1}]}])",
       "mounts[0]: uidMappings and gidMappings must be given together"},
      {"process", "{}", "process.args: is missing"},
  };
  for (const auto& c : kCases) expect(with_top(c.key, c.json), c);
}

TEST(SpecErrors, Process) {
  const Case kCases[] = {
      {"cwd", "7", "process.cwd: expected a string, found a number"},
      {"cwd", "\"x\"", "process.cwd: must be an absolute path"},
      {"cwd", "\"\"", "process.cwd: must be an absolute path"},
      {"args", "[]", "process.args: must not be empty"},
      {"args", "[\"\"]", "process.args: the first one, the program, must not be empty"},
      {"args", "[null]", "process.args[0]: expected a string, found null"},
      {"env", "[1]", "process.env[0]: expected a string, found a number"},
      {"user", "{}", "process.user.uid: is missing"},
      {"user", R"({"uid":4294967294,"gid":2147483648})", ""},
      {"user", R"({"uid":4294967295,"gid":0})",
       "process.user.uid: 4294967295 is out of range (0 to 4294967294)"},
      {"user", R"({"uid":4294967296,"gid":0})",
       "process.user.uid: 4294967296 is out of range (0 to 4294967294)"},
      {"user", R"({"uid":0,"gid":-1})", "process.user.gid: -1 is out of range (0 to 4294967294)"},
      {"user", R"({"uid":"0","gid":0})", "process.user.uid: expected an integer, found a string"},
      {"user", R"({"uid":0,"gid":0,"additionalGids":[1,4294967295]})",
       "process.user.additionalGids[1]: 4294967295 is out of range (0 to 4294967294)"},
      {"user", R"({"uid":0,"gid":0,"umask":4096})",
       "process.user.umask: 4096 is out of range (0 to 4095)"},
      {"consoleSize", R"({"width":65536,"height":1})",
       "process.consoleSize.width: 65536 is out of range (0 to 65535)"},
      {"rlimits", R"([{"type":"RLIMIT_CPU","soft":2,"hard":1}])",
       "process.rlimits[0]: soft limit 2 is above hard limit 1"},
      {"rlimits",
       R"([{"type":"RLIMIT_CPU","soft":1,"hard":1},{"type":"RLIMIT_CPU","soft":1,"hard":1}])",
       "process.rlimits[1]: RLIMIT_CPU is there twice"},
      {"rlimits", R"([{"type":"RLIMIT_CPU","soft":-1,"hard":1}])",
       "process.rlimits[0].soft: -1 is out of range (0 to 18446744073709551615)"},
      {"oomScoreAdj", "1001", "process.oomScoreAdj: 1001 is out of range (-1000 to 1000)"},
      {"scheduler", R"({"policy":"SCHED_X"})",
       "process.scheduler.policy: \"SCHED_X\" is not one of SCHED_OTHER, SCHED_FIFO, SCHED_RR, "
       "SCHED_BATCH, SCHED_ISO, SCHED_IDLE, SCHED_DEADLINE"},
      {"scheduler", R"({"policy":"SCHED_OTHER","flags":["X"]})",
       "process.scheduler.flags[0]: \"X\" is not one of SCHED_FLAG_RESET_ON_FORK, "
       "SCHED_FLAG_RECLAIM, SCHED_FLAG_DL_OVERRUN, SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_KEEP_PARAMS, "
       "SCHED_FLAG_UTIL_CLAMP_MIN, SCHED_FLAG_UTIL_CLAMP_MAX"},
      {"scheduler", R"({"policy":"SCHED_OTHER","nice":20})",
       "process.scheduler.nice: 20 is out of range (-20 to 19)"},
      {"ioPriority", R"({"class":"IOPRIO_CLASS_BE","priority":8})",
       "process.ioPriority.priority: 8 is out of range (0 to 7)"},
      {"ioPriority", R"({"priority":1})", "process.ioPriority.class: is missing"},
      {"capabilities", R"({"bounding":"CAP_CHOWN"})",
       "process.capabilities.bounding: expected an array, found a string"},
      {"NoNewPrivileges", "true", "process.NoNewPrivileges: must be written \"noNewPrivileges\""},
  };
  for (const auto& c : kCases) {
    std::string text = "{";
    if (c.key != "cwd") text += R"("cwd":"/",)";
    if (c.key != "args") text += R"("args":["a"],)";
    expect(with_top("process", cat(text, "\"", c.key, "\":", c.json, "}")), c);
  }
}

TEST(SpecErrors, Linux) {
  const Case kCases[] = {
      {"namespaces", R"([{"type":"network"},{"type":"network"}])",
       "linux.namespaces[1]: type network is there twice"},
      {"namespaces", R"([{"type":"net"}])",
       "linux.namespaces[0].type: \"net\" is not one of pid, network, mount, ipc, uts, user, "
       "cgroup, time"},
      {"namespaces", R"([{"type":"pid","path":"proc/1"}])",
       "linux.namespaces[0].path: must be an absolute path"},
      {"namespaces", R"([{"type":"pid","path":""}])", ""},
      {"uidMappings", R"([{"containerID":0,"hostID":1,"size":0}])",
       "linux.uidMappings[0].size: must be above 0"},
      {"uidMappings", R"([{"containerID":0,"hostID":1,"size":4294967295}])",
       "linux.uidMappings[0]: the range goes beyond the highest id, 4294967294"},
      {"uidMappings", R"([{"containerID":0,"hostID":0,"size":4294967295}])", ""},
      {"gidMappings", R"([{"containerID":0,"hostID":1}])", "linux.gidMappings[0].size: is missing"},
      {"gidMappings", R"([{"containerid":0,"hostID":1,"size":1}])",
       "linux.gidMappings[0].containerid: must be written \"containerID\""},
      {"sysctl", R"({"a":1})", "linux.sysctl.a: expected a string, found a number"},
      {"devices", R"([{"path":"dev/x","type":"c"}])",
       "linux.devices[0].path: must be an absolute path"},
      {"devices", R"([{"path":"/dev/x","type":"x"}])",
       "linux.devices[0].type: expected one letter of \"cbup\""},
      {"devices", R"([{"path":"/dev/x","type":""}])",
       "linux.devices[0].type: expected one letter of \"cbup\""},
      {"devices", R"([{"path":"/dev/x","type":"c","major":-1}])",
       "linux.devices[0].major: -1 is out of range (0 to 4294967295)"},
      {"devices", R"([{"path":"/dev/x","type":"c","uid":4294967295}])",
       "linux.devices[0].uid: 4294967295 is out of range (0 to 4294967294)"},
      {"resources", R"({"devices":[{"allow":true,"type":"","access":"r"}]})", ""},
      {"resources", R"({"devices":[{"allow":true}]})",
       "linux.resources.devices[0].access: is missing"},
      {"resources", R"({"devices":[{"allow":true,"access":"rx"}]})",
       "linux.resources.devices[0].access: expected letters of \"rwm\""},
      {"resources", R"({"devices":[{"access":"r"}]})",
       "linux.resources.devices[0].allow: is missing"},
      {"resources", R"({"cpu":{"shares":-1}})",
       "linux.resources.cpu.shares: -1 is out of range (0 to 18446744073709551615)"},
      {"resources", R"({"blockIO":{"weight":65536}})",
       "linux.resources.blockIO.weight: 65536 is out of range (0 to 65535)"},
      {"resources", R"({"memory":{"limit":"1g"}})",
       "linux.resources.memory.limit: expected an integer, found a string"},
      {"seccomp", "{}", "linux.seccomp.defaultAction: is missing"},
      {"seccomp",
       R"({"defaultAction":"X","syscalls":[{"names":["a"],"action":"X"},{"names":["a"]}]})",
       "linux.seccomp.syscalls[1].action: is missing"},
      {"seccomp", R"({"defaultAction":"X","syscalls":[{"names":["a"],"action":"X",
        "args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]})",
       "linux.seccomp.syscalls[0].args[0].index: 6 is out of range (0 to 5)"},
      {"rootfsPropagation", "\"odd\"",
       "linux.rootfsPropagation: \"odd\" is not one of shared, slave, private, unbindable, "
       "rshared, rslave, rprivate, runbindable"},
      {"maskedPaths", R"(["proc"])", "linux.maskedPaths[0]: must be an absolute path"},
      {"personality", R"({"domain":"BSD"})",
       "linux.personality.domain: \"BSD\" is not one of LINUX, LINUX32"},
      {"personality", R"({"domain":"LINUX","flags":["ADDR_NO_RANDOMIZE"]})",
       "linux.personality.flags: are not supported by bulkhead"},
      {"timeOffsets", R"({"realtime":{"secs":1}})",
       "linux.timeOffsets: \"realtime\" is not one of boottime, monotonic"},
      {"timeOffsets", R"({"boottime":{"nanosecs":1000000000}})",
       "linux.timeOffsets.boottime.nanosecs: 1000000000 is out of range (0 to 999999999)"},
      {"netDevices", "{}", ""},
      {"netDevices", R"({"eth0":{}})",
       "linux.netDevices: is not supported by bulkhead; remove it from the configuration"},
      {"memoryPolicy", R"({"mode":"MPOL_BIND"})",
       "linux.memoryPolicy: is not supported by bulkhead; remove it from the configuration"},
      {"intelRdt", "7", "linux.intelRdt: expected an object, found a number"},
  };
  for (const auto& c : kCases) expect(with_top("linux", cat("{\"", c.key, "\":", c.json, "}")), c);
}

std::string list_of(std::size_t count, std::string_view item) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list.append(i ? "," : "").append(item);
  return list + "]";
}

TEST(SpecErrors, Limits) {
  EXPECT_TRUE(with_top("mounts", list_of(limits::kMounts, R"({"destination":"/a"})")).has_value());
  EXPECT_EQ(
      with_top("mounts", list_of(limits::kMounts + 1, R"({"destination":"/a"})")).error().message,
      "mounts: 4097 elements, more than the limit of 4096");
  auto arguments = cat(R"({"cwd":"/","args":)", list_of(limits::kArgs + 1, "\"a\""), "}");
  EXPECT_EQ(with_top("process", arguments).error().message,
            "process.args: 65537 elements, more than the limit of 65536");
  EXPECT_EQ(read_spec(std::string(limits::kConfigBytes + 1, ' ')).error().message,
            "16777217 bytes, more than the limit of 16777216");
}

}  // namespace
}  // namespace bulkhead::spec
