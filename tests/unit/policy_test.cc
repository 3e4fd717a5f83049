// R4, R11, G9: the settings file, its defaults and its errors.
#include "policy/policy.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "base/strings.h"
#include "policy/defaults.h"
#include "policy/pattern.h"

namespace bulkhead::policy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFile[] = "/etc/bulkhead/admin-settings.json";

Policy must_read(std::string_view text) {
  auto policy = read_policy(text, kFile);
  EXPECT_TRUE(policy.has_value()) << policy.error().message;
  return policy ? *policy : Policy{};
}

TEST(Defaults, AreWellFormed) {
  Policy policy = default_policy();
  std::vector<std::string> seen;
  for (const auto& entry : policy.restricted) {
    EXPECT_TRUE(is_canonical(entry.path) && entry.path != "/") << entry.path;
    EXPECT_FALSE(entry.reason.empty()) << entry.path;
    EXPECT_THAT(seen, ::testing::Not(Contains(entry.path)));
    seen.push_back(entry.path);
  }
  for (const auto& exception : policy.exceptions) {
    EXPECT_TRUE(is_pattern(exception.path)) << exception.path;
    EXPECT_TRUE(exception.bundle.empty() || is_pattern(exception.bundle)) << exception.bundle;
    auto fixed = exception.path.substr(0, exception.path.find('*'));
    EXPECT_TRUE(std::ranges::any_of(policy.restricted, [&](const auto& entry) {
      return is_at_or_below(fixed, entry.path);
    })) << exception.path << " is an exception to nothing";
  }
  for (const auto& device : policy.allowed_devices) EXPECT_TRUE(is_pattern(device)) << device;
}

enum Verdict { kFree, kReadonly, kNever };

Verdict verdict(const Policy& policy, std::string_view path, std::string_view bundle = "/run/b") {
  if (!find_restriction(policy, path, true, bundle)) return kFree;
  return find_restriction(policy, path, false, bundle) ? kNever : kReadonly;
}

TEST(Defaults, JudgePaths) {
  Policy policy = default_policy();
  struct {
    std::string_view path;
    Verdict expected;
  } cases[] = {
      {"/etc/docker", kNever},
      {"/etc/docker/daemon.json", kNever},
      {"/etc/dockerish", kFree},
      {"/run/docker.sock", kNever},
      {"/run/containerd/containerd.sock", kNever},
      {"/run/systemd/private", kNever},
      {"/etc/shadow", kNever},
      {"/proc/sys", kNever},
      {"/sys/fs/cgroup", kNever},
      {"/dev/sda", kNever},
      {"/dev/null", kFree},
      {"/boot/grub", kNever},
      {"/var/lib/docker", kNever},
      {"/var/lib/docker/volumes", kNever},
      {"/var/lib/docker/volumes/v", kNever},
      {"/var/lib/docker/volumes/v/_data", kFree},
      {"/var/lib/docker/volumes/v/_data/sub/dir", kFree},
      {"/var/lib/docker/volumes/v/_data/..", kNever},
      {"/var/lib/docker/containers/c/hosts", kFree},
      {"/var/lib/docker/containers/c/mounts/shm", kFree},
      {"/var/lib/docker/containers/c/config.v2.json", kNever},
      {"/var/lib/docker/buildkit/executor/resolv.conf", kFree},
      {"/var/lib/docker/overlay2/x/diff", kNever},
      {"/run/containers/storage/overlay-containers/c/userdata/hosts", kFree},
      {"/run/containers/storage/overlay-containers/c/userdata/attach", kNever},
      {"/var/lib/containers/storage/volumes/v/_data", kFree},
      {"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/s/hosts", kFree},
      {"/var/lib/kubelet/pods/p/volumes/kubernetes.io~empty-dir/v", kFree},
      {"/var/lib/kubelet/pods/p/etc-hosts", kFree},
      {"/var/lib/kubelet/config.yaml", kNever},
      {"/usr/bin/bulkhead", kReadonly},
      {"/usr/lib/modules", kReadonly},
      {"/lib/modules", kReadonly},
      {"/etc/passwd", kReadonly},
      {"/etc/cron.d/x", kReadonly},
      {"/etc/systemd/system", kReadonly},
      {"/etc/security/opasswd", kNever},
      {"/usr/share/zoneinfo", kFree},
      {"/etc/ssl/certs", kFree},
      {"/etc/hosts", kFree},
      {"/home/user", kFree},
      {"/root", kFree},
      {"/root/.ssh", kFree},
      {"/tmp", kFree},
      {"/srv/project", kFree},
      {"relative", kNever},
      {"/home/../etc/shadow", kNever},
      {"", kNever},
  };
  for (const auto& c : cases) EXPECT_EQ(verdict(policy, c.path), c.expected) << c.path;
}

TEST(Defaults, LayersOnlyForBuildKitsBundles) {
  Policy policy = default_policy();
  constexpr std::string_view kLayer = "/var/lib/docker/overlay2/x/diff";
  EXPECT_EQ(verdict(policy, kLayer, "/var/lib/docker/buildkit/executor/id"), kFree);
  EXPECT_EQ(verdict(policy, kLayer, "/var/lib/docker/buildkit/executor/id/.."), kNever);
  EXPECT_EQ(verdict(policy, kLayer, "/run/containerd/io.containerd.runtime.v2.task/moby/id"),
            kNever);
  EXPECT_EQ(verdict(policy, kLayer, ""), kNever);
  constexpr std::string_view kSecret = "/var/lib/docker/tmp/buildkit-secrets20/775n";
  EXPECT_EQ(verdict(policy, kSecret, "/var/lib/docker/buildkit/executor/id"), kFree);
  EXPECT_EQ(verdict(policy, kSecret), kNever);
}

std::vector<std::string> below(const Policy& policy, std::string_view path, bool writable) {
  std::vector<std::string> paths;
  for (const auto* entry : restrictions_below(policy, path, writable)) paths.push_back(entry->path);
  return paths;
}

TEST(Defaults, Parents) {
  Policy policy = default_policy();
  EXPECT_THAT(below(policy, "/", false), Contains("/etc/shadow"));
  EXPECT_THAT(below(policy, "/etc", false), Contains("/etc/docker"));
  EXPECT_THAT(below(policy, "/run", false), Contains("/run/docker.sock"));
  EXPECT_THAT(below(policy, "/usr", true), Contains("/usr/bin"));
  EXPECT_THAT(below(policy, "/usr", false), IsEmpty());
  EXPECT_THAT(below(policy, "/etc/docker", true), IsEmpty());  // itself, not below itself
  for (auto free : {"/home", "/root", "/tmp", "/srv", "/opt/app", "/mnt", "/var/www", "/usr/share"})
    EXPECT_THAT(below(policy, free, true), IsEmpty()) << free;
}

TEST(Defaults, LongestReasonWins) {
  Policy policy = default_policy();
  EXPECT_EQ(find_restriction(policy, "/run/docker/x", false, "")->path, "/run/docker");
  EXPECT_EQ(find_restriction(policy, "/etc/security/opasswd", true, "")->path,
            "/etc/security/opasswd");
}

TEST(Defaults, Devices) {
  Policy policy = default_policy();
  for (auto good : {"/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/dri/renderD128", "/dev/nvidia0"})
    EXPECT_TRUE(is_device_allowed(policy, good)) << good;
  for (auto bad :
       {"/dev/sda", "/dev/mem", "/dev/dri", "/dev/net/../sda", "/dev/mapper/control", ""})
    EXPECT_FALSE(is_device_allowed(policy, bad)) << bad;
}

TEST(ReadPolicy, EmptyObjectIsTheDefault) {
  for (auto text :
       {"{}", "\xef\xbb\xbf{}", R"({"bulkhead":{},"enhancedContainerIsolation":null})",
        R"({"configurationFileVersion":2,"exposeDockerAPIOnTCP2375":{"locked":true}})"}) {
    Policy policy = must_read(text), defaults = default_policy();
    EXPECT_TRUE(policy.isolation_locked);
    EXPECT_TRUE(policy.isolation_on);
    EXPECT_EQ(policy.restricted.size(), defaults.restricted.size());
    EXPECT_EQ(policy.exceptions.size(), defaults.exceptions.size());
    EXPECT_EQ(policy.allowed_devices, defaults.allowed_devices);
    EXPECT_EQ(policy.parents, Parents::kRefuse);
    EXPECT_EQ(policy.unmappable_mounts, UnmappableMounts::kRefuse);
    EXPECT_EQ(policy.id_pool.user, "bulkhead");
    EXPECT_FALSE(policy.id_pool.fixed);
    EXPECT_THAT(policy.docker_socket.images.exact_references(), IsEmpty());
    EXPECT_FALSE(policy.docker_socket.images.judge("x", {}, {}, kFile).allowed);
    EXPECT_FALSE(policy.docker_socket.images.allows_derived());
    EXPECT_EQ(policy.docker_socket.command_list.type, CommandListType::kDeny);
    EXPECT_THAT(policy.docker_socket.command_list.commands, IsEmpty());
    EXPECT_EQ(policy.mode, Mode::kEnforce);
    EXPECT_EQ(policy.unprotected, Unprotected::kRefuse);
  }
}

// The example of Docker's manual, with one thing of each kind.
constexpr char kDockersSection[] = R"({
    "configurationFileVersion": 2,
    "somethingOfDesktop": {"locked": true},
    "enhancedContainerIsolation": {
      "locked": false, "value": true,
      "dockerSocketMount": {
        "imageList": {"images": ["docker:cli", "localhost:5000/a/b:1", "ci/*:*", "*"],
                      "allowDerivedImages": true},
        "commandList": {"type": "allow", "commands": ["ps", "image*"]}}}})";

TEST(ReadPolicy, DockersSection) {
  Policy policy = must_read(kDockersSection);
  EXPECT_FALSE(policy.isolation_locked);
  EXPECT_TRUE(policy.isolation_on);
  const auto& mount = policy.docker_socket;
  ASSERT_EQ(mount.images.exact_references().size(), 2u);
  EXPECT_EQ(mount.images.exact_references()[1].text(), "localhost:5000/a/b:1");
  EXPECT_TRUE(mount.images.judge("x", {}, {}, kFile).allowed);  // "*"
  EXPECT_TRUE(mount.images.allows_derived());
  EXPECT_EQ(mount.command_list.type, CommandListType::kAllow);
  EXPECT_THAT(mount.command_list.commands, ElementsAre("ps", "image*"));
  EXPECT_EQ(mount.command_list.key, "enhancedContainerIsolation.dockerSocketMount.commandList.commands");
}

// CVE-2025-10657: a list that is in the file must be the list that is asked.
TEST(ReadPolicy, CommandListsReachTheirQuestion) {
  Policy policy = must_read(R"({
    "enhancedContainerIsolation": {"dockerSocketMount": {"commandList": {"commands": ["push"]}}},
    "bulkhead": {"dockerSocketMount": {"commandLists": [
      {"images": ["traefik:*", "docker:cli"], "type": "allow", "commands": ["ps", "events"]},
      {"images": ["docker:*"], "commands": ["exec"]}]}}})");
  auto allows = [&](std::string_view image, std::string_view command) {
    images::Reference verified;
    if (!image.empty()) verified = *images::parse_reference(image);
    return is_allowed(command_list_for(policy, verified), std::span(&command, 1), {});
  };
  EXPECT_TRUE(allows("traefik:3", "ps"));
  EXPECT_FALSE(allows("traefik:3", "run"));
  EXPECT_TRUE(allows("docker:cli", "events"));  // the first list that matches
  EXPECT_FALSE(allows("docker:cli", "push"));
  EXPECT_FALSE(allows("docker:24", "exec"));
  EXPECT_TRUE(allows("docker:24", "push"));
  EXPECT_FALSE(allows("other", "push"));
  EXPECT_TRUE(allows("other", "exec"));
  EXPECT_FALSE(allows("", "push"));  // not verified: the common list
  EXPECT_EQ(command_list_for(policy, *images::parse_reference("docker:24")).key,
            "bulkhead.dockerSocketMount.commandLists[1].commands");
}

TEST(ReadPolicy, RegistrySection) {
  Registry registry = must_read(R"({"bulkhead": {"mode": "audit", "unprotectedContainers": "allow",
    "registry": {"refreshSeconds": 60, "maxAgeSeconds": 3600, "timeoutSeconds": 5,
      "certificates": "/srv/certs.d", "credentialsFile": "/etc/bulkhead/auth.json",
      "pinFile": "/etc/bulkhead/pins.json", "proxy": "http://proxy:3128", "noProxy": "localhost,.corp",
      "mirrors": {"docker.io": ["https://mirror.corp/hub"]}}}})").registry;
  EXPECT_EQ(registry.refresh_seconds, 60u);
  EXPECT_EQ(registry.max_age_seconds, 3600u);
  EXPECT_EQ(registry.timeout_seconds, 5u);
  EXPECT_EQ(registry.certificates, "/srv/certs.d");
  EXPECT_EQ(registry.credentials_file, "/etc/bulkhead/auth.json");
  EXPECT_EQ(registry.pin_file, "/etc/bulkhead/pins.json");
  EXPECT_EQ(registry.proxy, "http://proxy:3128");
  EXPECT_EQ(registry.no_proxy, "localhost,.corp");
  EXPECT_THAT(registry.mirrors.at("docker.io"), ElementsAre("https://mirror.corp/hub"));
}

TEST(ReadPolicy, BulkheadSection) {
  Policy policy = must_read(R"({"bulkhead": {
    "restrictedMounts": {"add": ["/srv/secret", "/etc/passwd"], "remove": ["/etc/ssh"],
                         "exceptions": ["/sys/fs/cgroup", "/dev/mapper/**"], "parents": "mask"},
    "dataRoots": ["/data/docker"], "engineSockets": ["/data/docker.sock"],
    "devices": {"allow": ["/dev/loop*"]},
    "idPool": {"start": 200000, "ranges": 10},
    "unmappableMounts": "unmapped-readonly"}})");
  EXPECT_EQ(verdict(policy, "/srv/secret/x"), kNever);
  EXPECT_EQ(verdict(policy, "/etc/passwd"), kNever);  // was read-only by default
  EXPECT_EQ(verdict(policy, "/etc/ssh"), kFree);
  EXPECT_EQ(verdict(policy, "/sys/fs/cgroup"), kFree);
  EXPECT_EQ(verdict(policy, "/dev/mapper/vg-a"), kFree);
  EXPECT_EQ(verdict(policy, "/data/docker/image"), kNever);
  EXPECT_EQ(verdict(policy, "/data/docker/volumes/v/_data"), kFree);
  EXPECT_EQ(verdict(policy, "/data/docker/overlay2/x/diff", "/data/docker/buildkit/executor/i"),
            kFree);
  EXPECT_EQ(verdict(policy, "/data/docker/overlay2/x/diff", "/var/lib/docker/buildkit/executor/i"),
            kNever);
  EXPECT_EQ(verdict(policy, "/data/docker.sock"), kNever);
  EXPECT_THAT(policy.engine_sockets, Contains("/data/docker.sock"));
  EXPECT_THAT(policy.engine_sockets, Contains("/run/docker.sock"));
  EXPECT_EQ(policy.parents, Parents::kMask);
  EXPECT_THAT(policy.allowed_devices, ElementsAre("/dev/loop*"));
  EXPECT_EQ(policy.id_pool.fixed->start, 200000u);
  EXPECT_EQ(policy.id_pool.fixed->ranges, 10u);
  EXPECT_EQ(policy.unmappable_mounts, UnmappableMounts::kUnmappedReadonly);
}

TEST(ReadPolicy, InnerDataDirectories) {
  auto paths = [](const Policy& policy) {
    std::vector<std::string> all;
    for (const auto& row : policy.data_directories) all.push_back(row.path);
    return all;
  };
  Policy policy = must_read(R"({"bulkhead":{"innerDataDirectories":{"add":["/data"],"remove":["/var/lib/docker"]}}})");
  EXPECT_THAT(paths(policy), Contains("/data"));
  EXPECT_THAT(paths(policy), Contains("/var/lib/containers"));
  EXPECT_THAT(paths(policy), ::testing::Not(Contains("/var/lib/docker")));
  auto unknown = read_policy(R"({"bulkhead":{"innerDataDirectories":{"remove":["/srv"]}}})", "f");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, ::testing::HasSubstr("remove[0]: \"/srv\" is not a data directory"));
}

TEST(ReadPolicy, IdPoolOfUserOrDefaultRanges) {
  EXPECT_EQ(must_read(R"({"bulkhead":{"idPool":{"user":"pool"}}})").id_pool.user, "pool");
  EXPECT_EQ(must_read(R"({"bulkhead":{"idPool":{"start":100000}}})").id_pool.fixed->ranges,
            limits::kIdRanges);
  EXPECT_THAT(must_read(R"({"bulkhead":{"devices":{"allow":[]}}})").allowed_devices, IsEmpty());
}

TEST(ReadPolicy, Errors) {
  struct {
    std::string text, error;
  } cases[] = {
      {"", "empty: expected a JSON document"},
      {"\xef\xbb\xbf", "empty: expected a JSON document"},
      {"[]", "expected an object, found an array"},
      {"{\n\"bulkhead\": {},,", "line 2, column 16: syntax error"},
      {R"({"bulkhead":{},"bulkhead":{}})", "line 1, column 17: duplicate key \"bulkhead\""},
      {R"({"configurationFileVersion":3})", "configurationFileVersion: 3 is out of range (1 to 2)"},
      {R"({"configurationFileVersion":"2"})",
       "configurationFileVersion: expected an integer, found a string"},
      {R"({"EnhancedContainerIsolation":{}})",
       "EnhancedContainerIsolation: must be written \"enhancedContainerIsolation\""},
      {R"({"enhancedContainerIsolation":true})",
       "enhancedContainerIsolation: expected an object, found a boolean"},
      {R"({"enhancedContainerIsolatoin":{}})",
       "enhancedContainerIsolatoin: must be written \"enhancedContainerIsolation\""},
      {R"({"bulkheads":{}})", "bulkheads: must be written \"bulkhead\""},
      {R"({"BulkHaed":{}})", "BulkHaed: must be written \"bulkhead\""},
      {R"({"enhancedContainerIsolation":{"vaule":true}})", "enhancedContainerIsolation.vaule: unknown key"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"imageList":{"allowedDerivedImages":true}}}})",
       "enhancedContainerIsolation.dockerSocketMount.imageList.allowedDerivedImages: unknown key"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"comandList":{}}}})",
       "enhancedContainerIsolation.dockerSocketMount.comandList: unknown key"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":{"command":["ps"]}}}})",
       "enhancedContainerIsolation.dockerSocketMount.commandList.command: unknown key"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":{"commands":[1]}}}})",
       "enhancedContainerIsolation.dockerSocketMount.commandList.commands[0]: expected a string, found a number"},
      {R"({"bulkhead":{"mode":"permissive"}})",
       "bulkhead.mode: \"permissive\" is not one of enforce, audit"},
      {R"({"bulkhead":{"unprotectedContainers":true}})",
       "bulkhead.unprotectedContainers: expected a string, found a boolean"},
      {R"({"bulkhead":{"dockerSocketMount":{"commandLists":[{"images":["a"]}]}}})",
       "bulkhead.dockerSocketMount.commandLists[0].commands: is missing"},
      {R"({"bulkhead":{"dockerSocketMount":{"commandLists":[{"images":[],"commands":[]}]}}})",
       "bulkhead.dockerSocketMount.commandLists[0].images: names no image"},
      {R"({"bulkhead":{"dockerSocketMount":{"commandLists":[{"images":["*"],"commands":[]}]}}})",
       "bulkhead.dockerSocketMount.commandLists[0].images[0]: \"*\" is every image: that list is "
       "enhancedContainerIsolation.dockerSocketMount.commandList"},
      {R"({"bulkhead":{"registry":{"maxAge":1}}})", "bulkhead.registry.maxAge: unknown key"},
      {R"({"bulkhead":{"registry":{"timeoutSeconds":0}}})",
       "bulkhead.registry.timeoutSeconds: 0 is out of range (1 to 300)"},
      {R"({"bulkhead":{"registry":{"maxAgeSeconds":60}}})",
       "bulkhead.registry.refreshSeconds: must not be above maxAgeSeconds"},
      {R"({"bulkhead":{"registry":{"pinFile":"pins.json"}}})",
       "bulkhead.registry.pinFile: \"pins.json\" is not an absolute path"},
      {R"({"bulkhead":{"registry":{"proxy":"http://user:secret@proxy"}}})",
       "bulkhead.registry.proxy: \"http://user:secret@proxy\" is not an http:// or https:// URL "
       "without credentials"},
      {R"({"bulkhead":{"registry":{"mirrors":{"docker.io":["http://mirror"]}}}})",
       "bulkhead.registry.mirrors[\"docker.io\"]: \"http://mirror\" is not an https:// URL"},
      {R"({"bulkhead":{"registry":{"mirrors":{"docker.io/x":[]}}}})",
       "bulkhead.registry.mirrors[\"docker.io/x\"]: is no registry (a host name, perhaps with a port)"},
      {R"({"enhancedContainerIsolation":{"locked":"true"}})",
       "enhancedContainerIsolation.locked: expected a boolean, found a string"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"imageList":{"images":"*"}}}})",
       "enhancedContainerIsolation.dockerSocketMount.imageList.images: expected an array, found a "
       "string"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"imageList":{"images":["a b"]}}}})",
       "enhancedContainerIsolation.dockerSocketMount.imageList.images[0]: \"a b\" is no image "
       "reference: \"a b\" is no part of a repository's name"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"imageList":{"images":["*","Docker:cli"]}}}})",
       "enhancedContainerIsolation.dockerSocketMount.imageList.images[1]: \"Docker:cli\" is no image "
       "reference: the repository must be lower case"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":{"type":"block"}}}})",
       "enhancedContainerIsolation.dockerSocketMount.commandList.type: \"block\" is not one of "
       "deny, allow"},
      {R"({"enhancedContainerIsolation":{"dockerSocketMount":{"commandList":{"commands":["psx"]}}}})",
       "enhancedContainerIsolation.dockerSocketMount.commandList.commands[0]: \"psx\" is not a "
       "command of the docker CLI, or a wildcard such as image*"},
      {R"({"bulkhead":{"restrictedMount":{}}})", "bulkhead.restrictedMount: unknown key"},
      {R"({"bulkhead":{"restrictedMounts":{"added":[]}}})",
       "bulkhead.restrictedMounts.added: unknown key"},
      {R"({"bulkhead":{"restrictedMounts":{"add":["srv"]}}})",
       "bulkhead.restrictedMounts.add[0]: \"srv\" is not an absolute path below / without \".\", "
       "\"..\", \"//\" or a slash at the end"},
      {R"({"bulkhead":{"restrictedMounts":{"add":["/"]}}})",
       "bulkhead.restrictedMounts.add[0]: \"/\" is not an absolute path below / without \".\", "
       "\"..\", \"//\" or a slash at the end"},
      {R"({"bulkhead":{"restrictedMounts":{"remove":["/srv"]}}})",
       "bulkhead.restrictedMounts.remove[0]: \"/srv\" is not a restricted path"},
      {R"({"bulkhead":{"restrictedMounts":{"exceptions":["/a/**/b"]}}})",
       "bulkhead.restrictedMounts.exceptions[0]: \"/a/**/b\" is not an absolute path pattern "
       "(\"*\" "
       "within a component, \"/**\" at the end for all below)"},
      {R"({"bulkhead":{"restrictedMounts":{"parents":"allow"}}})",
       "bulkhead.restrictedMounts.parents: \"allow\" is not one of refuse, mask"},
      {R"({"bulkhead":{"dataRoots":["/data/*"]}})",
       "bulkhead.dataRoots[0]: \"/data/*\" is not an absolute path below / without \".\", \"..\", "
       "\"//\", \"*\" or a slash at the end"},
      {R"({"bulkhead":{"dataRoots":["/data/"]}})",
       "bulkhead.dataRoots[0]: \"/data/\" is not an absolute path below / without \".\", \"..\", "
       "\"//\", \"*\" or a slash at the end"},
      {R"({"bulkhead":{"devices":{"deny":[]}}})", "bulkhead.devices.deny: unknown key"},
      {R"({"bulkhead":{"idPool":{}}})",
       "bulkhead.idPool: expected either \"user\" or \"start\" (and \"ranges\")"},
      {R"({"bulkhead":{"idPool":{"user":"u","start":100000}}})",
       "bulkhead.idPool: expected either \"user\" or \"start\" (and \"ranges\")"},
      {R"({"bulkhead":{"idPool":{"user":"u","ranges":1}}})",
       "bulkhead.idPool.ranges: belongs to \"start\", not to \"user\""},
      {R"({"bulkhead":{"idPool":{"user":"a:b"}}})", "bulkhead.idPool.user: is no user name"},
      {R"({"bulkhead":{"idPool":{"start":0}}})", "bulkhead.idPool.start: must be at least 65536"},
      {R"({"bulkhead":{"idPool":{"start":100000,"ranges":0}}})",
       "bulkhead.idPool.ranges: must be above 0"},
      {R"({"bulkhead":{"idPool":{"start":100000,"ranges":65535}}})",
       "bulkhead.idPool: 65535 ranges of 65536 ids from 100000 go beyond the highest id, "
       "4294967294"},
      {R"({"bulkhead":{"unmappableMounts":"ignore"}})",
       "bulkhead.unmappableMounts: \"ignore\" is not one of refuse, unmapped-readonly"},
      {std::string(limits::kPolicyBytes + 1, ' '), "1048577 bytes, more than the limit of 1048576"},
  };
  for (const auto& [text, error] : cases) {
    auto policy = read_policy(text, kFile);
    ASSERT_FALSE(policy.has_value()) << text;
    EXPECT_EQ(policy.error().message, cat(kFile, ": ", error));
  }
}

}  // namespace
}  // namespace bulkhead::policy
