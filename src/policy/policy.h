// The settings file /etc/bulkhead/admin-settings.json as a value: Docker Desktop's schema for
// Enhanced Container Isolation plus our "bulkhead" section (admin-settings.json(5)). Made by one of
// two functions and used const afterwards. The guard and the runtime read the same one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/verdict.h"
#include "policy/commands.h"

namespace bulkhead::policy {

// What a container may not have of the host.
struct RestrictedPath {
  enum class Scope {
    kAlways,    // not even read-only: secrets, and sockets, which a read-only mount leaves usable
    kWritable,  // writing there takes the host (idmapped binds write as host root), reading is fine
  };
  std::string path;    // canonical in form; may be a symbolic link on this host (/bin, /var/run/x):
                       // who judges objects resolves it
  std::string reason;  // "the engine's configuration"
  Scope scope = Scope::kAlways;
};

// Paths below restricted ones that engines themselves mount.
struct Exception {
  std::string path;    // pattern, see pattern.h
  std::string bundle;  // pattern for the OCI bundle, which the engine chooses and a user of its API
                       // cannot; empty: for every container
};

// Where an engine inside of a container keeps images and containers: overlayfs takes no overlay as
// upper layer.
struct DataDirectory {
  std::string path;                   // in the container
  std::vector<std::string> programs;  // any of which in the image asks for it; empty: the directory itself does
};

enum class Parents { kRefuse, kMask };  // a bind of a parent directory of a restricted path
enum class UnmappableMounts { kRefuse, kUnmappedReadonly };  // a file system without idmap support
enum class Mode { kEnforce, kAudit };      // kAudit: the guard says what it would refuse, and lets it
enum class Unprotected { kRefuse, kAllow };  // containers that do not run under this runtime

// Which containers get the Docker socket, and what may be done through it.
struct DockerSocketMount {
  images::ImageList images;
  CommandList command_list;  // for every image without a list of its own
  struct ImageCommandList {
    std::vector<images::Pattern> images;
    CommandList list;
  };
  std::vector<ImageCommandList> image_command_lists;
};

// How bulkhead-registry asks registries what they serve.
struct Registry {
  std::uint32_t refresh_seconds = 120;      // an answer younger than this is not asked for again
  std::uint32_t max_age_seconds = 604800;   // an older one does not count, registry down or not
  std::uint32_t timeout_seconds = 20;       // for one reference, token and platforms included
  std::string certificates = "/etc/docker/certs.d";  // per registry, as dockerd's
  std::string credentials_file;             // {"auths": {...}} as in ~/.docker/config.json, or empty
  std::string pin_file;                     // answers for hosts without a network, or empty
  std::string proxy;                        // "http://proxy:3128", or empty
  std::string no_proxy;                     // hosts and domains without it, separated by commas
  std::map<std::string, std::vector<std::string>> mirrors;  // registry -> https URLs, tried first
};

// Where container id ranges come from: /etc/subuid and /etc/subgid of a user, or fixed numbers.
struct IdPool {
  std::string user = "bulkhead";
  struct Fixed {
    std::uint32_t start = 0;   // first host id
    std::uint32_t ranges = 0;  // of limits::kIdRange ids each
  };
  std::optional<Fixed> fixed;  // instead of the user's
};

struct Policy {
  // enhancedContainerIsolation. Absent keys mean the strict value: isolation is why this is
  // installed.
  bool isolation_locked = true;
  bool isolation_on = true;
  DockerSocketMount docker_socket;

  // bulkhead: the guard's own.
  Mode mode = Mode::kEnforce;
  Unprotected unprotected = Unprotected::kRefuse;
  Registry registry;

  // bulkhead.restrictedMounts, the defaults included.
  std::vector<RestrictedPath> restricted;
  std::vector<Exception> exceptions;
  Parents parents = Parents::kRefuse;

  std::vector<std::string> data_roots;       // extra ones: each is restricted, with exceptions
  std::vector<std::string> engine_sockets;   // default and extra ones, restricted too
  std::vector<std::string> allowed_devices;  // patterns of host device paths for --device
  std::vector<DataDirectory> data_directories;
  IdPool id_pool;
  UnmappableMounts unmappable_mounts = UnmappableMounts::kRefuse;
};

// The policy of a host without a settings file.
Policy default_policy();

// The policy of a settings file's text (a UTF-8 byte order mark is tolerated). `file_name` is for
// messages: "/etc/bulkhead/admin-settings.json: bulkhead.idPool.start: expected an integer, ...".
// Errors: malformed JSON, mistyped or wrong values anywhere, unknown keys in the two sections that
// are ours. Docker Desktop's other settings are ignored; a key that looks like a misspelt section of
// ours is an error, because what stands there would not hold (CVE-2025-10657).
Result<Policy> read_policy(std::string_view text, std::string_view file_name);

// ---- questions; `path` is a resolved, canonical host path --------------------------------------

// The entry that forbids a bind of `path`: the longest one at or above it, unless an exception
// matches. `writable`: the bind is not read-only. nullptr: none. A path that is not canonical is
// forbidden by the entry for "/" that this returns then.
const RestrictedPath* find_restriction(const Policy& policy, std::string_view path, bool writable,
                                       std::string_view bundle);

// The entries strictly below `path`, which a bind of this parent directory would reveal. An
// exception that matches `path` itself makes no difference: exceptions lie below restricted paths.
std::vector<const RestrictedPath*> restrictions_below(const Policy& policy, std::string_view path,
                                                      bool writable);

// The list for a container whose image was verified as `verified` (images::Verdict): that of the
// first entry of bulkhead.dockerSocketMount.commandLists that matches it, else the common one. Images
// that nothing verified ("*") have an empty reference and get the common one: a name is no proof.
const CommandList& command_list_for(const Policy& policy, const images::Reference& verified);

bool is_device_allowed(const Policy& policy, std::string_view path);

}  // namespace bulkhead::policy
