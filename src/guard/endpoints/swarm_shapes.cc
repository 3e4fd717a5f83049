// The bodies of services, secrets, configs and nodes as of API 1.56.
#include "guard/endpoints/endpoints.h"

namespace bulkhead::guard {
namespace {

constexpr Member kServiceNetworkMembers[] = {
    {"Target", kString}, {"Aliases", kStrings}, {"DriverOpts", kStringMap}};
constexpr Shape kServiceNetwork = object_of(kServiceNetworkMembers);
constexpr Shape kServiceNetworks = list_of(kServiceNetwork);

constexpr Member kFileMembers[] = {{"Name", kString}, {"UID", kString}, {"GID", kString}, {"Mode", kInteger}};
constexpr Shape kFile = object_of(kFileMembers);
constexpr Member kSecretMembers[] = {{"File", kFile}, {"SecretID", kString}, {"SecretName", kString}};
constexpr Shape kSecretReference = object_of(kSecretMembers);
constexpr Shape kSecretReferences = list_of(kSecretReference);
constexpr Member kConfigMembers[] = {
    {"File", kFile}, {"Runtime", kEmptyObject}, {"ConfigID", kString}, {"ConfigName", kString}};
constexpr Shape kConfigReference = object_of(kConfigMembers);
constexpr Shape kConfigReferences = list_of(kConfigReference);

constexpr Member kPrivilegeMembers[] = {{"CredentialSpec", kAny}, {"SELinuxContext", kAny}, {"Seccomp", kAny},
                                        {"AppArmor", kAny},       {"NoNewPrivileges", kBool}};
constexpr Shape kPrivileges = object_of(kPrivilegeMembers);
constexpr Member kDnsMembers[] = {{"Nameservers", kStrings}, {"Search", kStrings}, {"Options", kStrings}};
constexpr Shape kDns = object_of(kDnsMembers);
constexpr Shape kUlimits = list_of(kAny);

constexpr Member kContainerMembers[] = {
    {"Image", kString},
    {"Labels", kStringMap},
    {"Command", kStrings},
    {"Args", kStrings},
    {"Hostname", kString},
    {"Env", kStrings},
    {"Dir", kString},
    {"User", kString},
    {"Groups", kStrings},
    {"Privileges", kPrivileges},
    {"Init", kBool},
    {"StopSignal", kString},
    {"TTY", kBool},
    {"OpenStdin", kBool},
    {"ReadOnly", kBool},
    {"Mounts", kMountsShape},
    {"StopGracePeriod", kInteger},
    {"Healthcheck", kAny},
    {"Hosts", kStrings},
    {"DNSConfig", kDns},
    {"Secrets", kSecretReferences},
    {"Configs", kConfigReferences},
    {"Isolation", kString},
    {"Sysctls", kStringMap},
    {"CapabilityAdd", kStrings},
    {"CapabilityDrop", kStrings},
    {"Ulimits", kUlimits},
    {"OomScoreAdj", kInteger},
};
constexpr Shape kContainer = object_of(kContainerMembers);

constexpr Member kTaskMembers[] = {
    {"ContainerSpec", kContainer}, {"PluginSpec", kAny}, {"NetworkAttachmentSpec", kAny}, {"Resources", kAny},
    {"RestartPolicy", kAny},       {"Placement", kAny},  {"Networks", kServiceNetworks},  {"LogDriver", kAny},
    {"ForceUpdate", kInteger},     {"Runtime", kString},
};
constexpr Shape kTask = object_of(kTaskMembers);

constexpr Member kServiceMembers[] = {
    {"Name", kString},      {"Labels", kStringMap},  {"TaskTemplate", kTask},         {"Mode", kAny},
    {"UpdateConfig", kAny}, {"RollbackConfig", kAny}, {"Networks", kServiceNetworks}, {"EndpointSpec", kAny},
};

constexpr Member kDriverMembers[] = {{"Name", kString}, {"Options", kStringMap}};
constexpr Shape kDriver = object_of(kDriverMembers);
constexpr Member kDataMembers[] = {{"Name", kString},
                                   {"Labels", kStringMap},
                                   {"Data", kString},
                                   {"Driver", kDriver},
                                   {"Templating", kDriver}};

}  // namespace

const Shape kServiceShape = object_of(kServiceMembers);
const Shape kSecretShape = object_of(kDataMembers);

}  // namespace bulkhead::guard
