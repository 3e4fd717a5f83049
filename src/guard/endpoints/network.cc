// Networks: the host's is not to be had, whatever name it is given.
#include "guard/endpoints/endpoints.h"
#include "guard/namespaces.h"

namespace bulkhead::guard {
namespace {

constexpr Member kEndpointIpamMembers[] = {
    {"IPv4Address", kString}, {"IPv6Address", kString}, {"LinkLocalIPs", kStrings}};
constexpr Shape kEndpointIpam = object_of(kEndpointIpamMembers);
constexpr Member kEndpointMembers[] = {
    {"IPAMConfig", kEndpointIpam}, {"Links", kStrings},      {"Aliases", kStrings},
    {"NetworkID", kString},        {"EndpointID", kString},  {"Gateway", kString},
    {"IPAddress", kString},        {"IPPrefixLen", kInteger}, {"IPv6Gateway", kString},
    {"GlobalIPv6Address", kString}, {"GlobalIPv6PrefixLen", kInteger}, {"MacAddress", kString},
    {"DriverOpts", kStringMap},    {"DNSNames", kStrings},   {"GwPriority", kInteger},
};

constexpr Member kPoolMembers[] = {
    {"Subnet", kString}, {"IPRange", kString}, {"Gateway", kString}, {"AuxiliaryAddresses", kStringMap},
    {"AuxAddress", kStringMap}};
constexpr Shape kPool = object_of(kPoolMembers);
constexpr Shape kPools = list_of(kPool);
constexpr Member kIpamMembers[] = {{"Driver", kString}, {"Options", kStringMap}, {"Config", kPools}};
constexpr Shape kIpam = object_of(kIpamMembers);
constexpr Member kConfigFromMembers[] = {{"Network", kString}};
constexpr Shape kConfigFrom = object_of(kConfigFromMembers);
constexpr Member kNetworkMembers[] = {
    {"Name", kString},     {"CheckDuplicate", kBool}, {"Driver", kString},     {"Scope", kString},
    {"EnableIPv4", kBool}, {"EnableIPv6", kBool},     {"IPAM", kIpam},         {"Internal", kBool},
    {"Attachable", kBool}, {"Ingress", kBool},        {"ConfigOnly", kBool},   {"ConfigFrom", kConfigFrom},
    {"Options", kStringMap}, {"Labels", kStringMap},
};
constexpr Member kConnectMembers[] = {{"Container", kString}, {"EndpointConfig", kEndpointShape}};
constexpr Member kDisconnectMembers[] = {{"Container", kString}, {"Force", kBool}};

}  // namespace

constexpr Shape kEndpointShape = object_of(kEndpointMembers);
const Shape kNetworkShape = object_of(kNetworkMembers);
const Shape kConnectShape = object_of(kConnectMembers);
const Shape kDisconnectShape = object_of(kDisconnectMembers);

Verdict<> decide_network_connect(Request& request, Facts& facts) {
  return judge_network(request.params.at(0), facts);
}

}  // namespace bulkhead::guard
