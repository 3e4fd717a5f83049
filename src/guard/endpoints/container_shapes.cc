// The bodies of containers as of API 1.56: every member that an engine reads from a client.
#include "guard/endpoints/endpoints.h"

namespace bulkhead::guard {
namespace {

constexpr Member kHealthMembers[] = {
    {"Test", kStrings},       {"Interval", kInteger},      {"Timeout", kInteger},
    {"Retries", kInteger},    {"StartPeriod", kInteger},   {"StartInterval", kInteger},
};
constexpr Shape kHealth = object_of(kHealthMembers);

constexpr Member kConfigMembers[] = {
    {"Hostname", kString},      {"Domainname", kString},   {"User", kString},
    {"AttachStdin", kBool},     {"AttachStdout", kBool},   {"AttachStderr", kBool},
    {"ExposedPorts", kNameSet}, {"Tty", kBool},            {"OpenStdin", kBool},
    {"StdinOnce", kBool},       {"Env", kStrings},         {"Cmd", kStringOrStrings},
    {"Healthcheck", kHealth},   {"ArgsEscaped", kBool},    {"Image", kString},
    {"Volumes", kNameSet},      {"WorkingDir", kString},   {"Entrypoint", kStringOrStrings},
    {"NetworkDisabled", kBool}, {"MacAddress", kString},   {"OnBuild", kStrings},
    {"Labels", kStringMap},     {"StopSignal", kString},   {"StopTimeout", kInteger},
    {"Shell", kStringOrStrings},
};

constexpr Member kWeightMembers[] = {{"Path", kString}, {"Weight", kInteger}};
constexpr Shape kWeight = object_of(kWeightMembers);
constexpr Shape kWeights = list_of(kWeight);
constexpr Member kThrottleMembers[] = {{"Path", kString}, {"Rate", kInteger}};
constexpr Shape kThrottle = object_of(kThrottleMembers);
constexpr Shape kThrottles = list_of(kThrottle);
constexpr Member kDeviceMembers[] = {
    {"PathOnHost", kString}, {"PathInContainer", kString}, {"CgroupPermissions", kString}};
constexpr Shape kDevice = object_of(kDeviceMembers);
constexpr Shape kDevices = list_of(kDevice);
constexpr Shape kStringLists = list_of(kStrings);
constexpr Member kDeviceRequestMembers[] = {{"Driver", kString},
                                            {"Count", kInteger},
                                            {"DeviceIDs", kStrings},
                                            {"Capabilities", kStringLists},
                                            {"Options", kStringMap}};
constexpr Shape kDeviceRequest = object_of(kDeviceRequestMembers);
constexpr Shape kDeviceRequests = list_of(kDeviceRequest);
constexpr Member kUlimitMembers[] = {{"Name", kString}, {"Hard", kInteger}, {"Soft", kInteger}};
constexpr Shape kUlimit = object_of(kUlimitMembers);
constexpr Shape kUlimits = list_of(kUlimit);
constexpr Member kRestartMembers[] = {{"Name", kString}, {"MaximumRetryCount", kInteger}};
constexpr Shape kRestartPolicy = object_of(kRestartMembers);
constexpr Member kLogMembers[] = {{"Type", kString}, {"Config", kStringMap}};
constexpr Shape kLogConfig = object_of(kLogMembers);
constexpr Member kPortMembers[] = {{"HostIp", kString}, {"HostPort", kString}};
constexpr Shape kPort = object_of(kPortMembers);
constexpr Shape kPorts = list_of(kPort);
constexpr Shape kPortMap = map_of(kPorts);
constexpr Shape kIntegers = list_of(kInteger);

constexpr Member kBindOptionMembers[] = {{"Propagation", kString},
                                         {"NonRecursive", kBool},
                                         {"CreateMountpoint", kBool},
                                         {"ReadOnlyNonRecursive", kBool},
                                         {"ReadOnlyForceRecursive", kBool}};
constexpr Shape kBindOptions = object_of(kBindOptionMembers);
constexpr Member kDriverMembers[] = {{"Name", kString}, {"Options", kStringMap}};
constexpr Shape kDriver = object_of(kDriverMembers);
constexpr Member kVolumeOptionMembers[] = {
    {"NoCopy", kBool}, {"Labels", kStringMap}, {"Subpath", kString}, {"DriverConfig", kDriver}};
constexpr Shape kVolumeOptions = object_of(kVolumeOptionMembers);
constexpr Member kImageOptionMembers[] = {{"Subpath", kString}};
constexpr Shape kImageOptions = object_of(kImageOptionMembers);
constexpr Member kTmpfsOptionMembers[] = {
    {"SizeBytes", kInteger}, {"Mode", kInteger}, {"Options", kStringLists}};
constexpr Shape kTmpfsOptions = object_of(kTmpfsOptionMembers);
constexpr Member kMountMembers[] = {
    {"Type", kString},       {"Source", kString},           {"Target", kString},
    {"ReadOnly", kBool},     {"Consistency", kString},      {"BindOptions", kBindOptions},
    {"VolumeOptions", kVolumeOptions}, {"ImageOptions", kImageOptions}, {"TmpfsOptions", kTmpfsOptions},
};
constexpr Shape kMount = object_of(kMountMembers);

}  // namespace

constexpr Shape kMountsShape = list_of(kMount);

namespace {

// The members of HostConfig that `docker update` has too.
#define BULKHEAD_RESOURCES                                                                        \
  {"CpuShares", kInteger}, {"Memory", kInteger}, {"NanoCpus", kInteger}, {"CgroupParent", kString}, \
  {"BlkioWeight", kInteger}, {"BlkioWeightDevice", kWeights},                                     \
  {"BlkioDeviceReadBps", kThrottles}, {"BlkioDeviceWriteBps", kThrottles},                        \
  {"BlkioDeviceReadIOps", kThrottles}, {"BlkioDeviceWriteIOps", kThrottles},                      \
  {"CpuPeriod", kInteger}, {"CpuQuota", kInteger}, {"CpuRealtimePeriod", kInteger},               \
  {"CpuRealtimeRuntime", kInteger}, {"CpusetCpus", kString}, {"CpusetMems", kString},             \
  {"Devices", kDevices}, {"DeviceCgroupRules", kStrings}, {"DeviceRequests", kDeviceRequests},    \
  {"KernelMemory", kInteger}, {"KernelMemoryTCP", kInteger}, {"MemoryReservation", kInteger},     \
  {"MemorySwap", kInteger}, {"MemorySwappiness", kInteger}, {"OomKillDisable", kBool},            \
  {"PidsLimit", kInteger}, {"Ulimits", kUlimits}, {"CpuCount", kInteger},                         \
  {"CpuPercent", kInteger}, {"IOMaximumIOps", kInteger}, {"IOMaximumBandwidth", kInteger},        \
  {"RestartPolicy", kRestartPolicy}

constexpr Member kHostMembers[] = {
    BULKHEAD_RESOURCES,
    {"Binds", kStrings},
    {"ContainerIDFile", kString},
    {"LogConfig", kLogConfig},
    {"NetworkMode", kString},
    {"PortBindings", kPortMap},
    {"AutoRemove", kBool},
    {"VolumeDriver", kString},
    {"VolumesFrom", kStrings},
    {"ConsoleSize", kIntegers},
    {"Annotations", kStringMap},
    {"CapAdd", kStringOrStrings},
    {"CapDrop", kStringOrStrings},
    {"CgroupnsMode", kString},
    {"Dns", kStrings},
    {"DnsOptions", kStrings},
    {"DnsSearch", kStrings},
    {"ExtraHosts", kStrings},
    {"GroupAdd", kStrings},
    {"IpcMode", kString},
    {"Cgroup", kString},
    {"Links", kStrings},
    {"OomScoreAdj", kInteger},
    {"PidMode", kString},
    {"Privileged", kBool},
    {"PublishAllPorts", kBool},
    {"ReadonlyRootfs", kBool},
    {"SecurityOpt", kStrings},
    {"StorageOpt", kStringMap},
    {"Tmpfs", kStringMap},
    {"UTSMode", kString},
    {"UsernsMode", kString},
    {"ShmSize", kInteger},
    {"Sysctls", kStringMap},
    {"Runtime", kString},
    {"Isolation", kString},
    {"Mounts", kMountsShape},
    {"MaskedPaths", kStrings},
    {"ReadonlyPaths", kStrings},
    {"Init", kBool},
};
constexpr Shape kHostConfig = object_of(kHostMembers);

constexpr Shape kEndpoints = map_of(kEndpointShape);
constexpr Member kNetworkingMembers[] = {{"EndpointsConfig", kEndpoints}};
constexpr Shape kNetworking = object_of(kNetworkingMembers);

constexpr Member kUpdateMembers[] = {BULKHEAD_RESOURCES};

// Config with the two members beside it, as one list.
constexpr auto kCreateMembers = [] {
  constexpr std::size_t kConfig = std::size(kConfigMembers);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Member, kConfig + 2>{kConfigMembers[I]..., Member{"HostConfig", kHostConfig},
                                           Member{"NetworkingConfig", kNetworking}};
  }(std::make_index_sequence<kConfig>());
}();

constexpr Member kExecMembers[] = {
    {"User", kString},         {"Privileged", kBool}, {"Tty", kBool},     {"ConsoleSize", kIntegers},
    {"AttachStdin", kBool},    {"AttachStderr", kBool}, {"AttachStdout", kBool}, {"Detach", kBool},
    {"DetachKeys", kString},   {"Env", kStrings},     {"WorkingDir", kString}, {"Cmd", kStringOrStrings},
};
constexpr Member kExecStartMembers[] = {
    {"Detach", kBool}, {"Tty", kBool}, {"ConsoleSize", kIntegers}};

}  // namespace

const Shape kConfigShape = object_of(kConfigMembers);
const Shape kCreateShape = {Shape::Kind::kObject, nullptr, kCreateMembers};
const Shape kUpdateShape = object_of(kUpdateMembers);
const Shape kExecShape = object_of(kExecMembers);
const Shape kExecStartShape = object_of(kExecStartMembers);

}  // namespace bulkhead::guard
