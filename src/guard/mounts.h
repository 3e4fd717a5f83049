// What a container may have mounted, as far as a request shows it. The runtime judges the final
// mounts by inode and is the boundary; here the client learns early and clearly, before the engine
// makes directories on the host, and sockets are told from other files.
#pragma once

#include <string_view>

#include "guard/facts.h"

namespace bulkhead::guard {

// Every mount of a HostConfig: Binds, Mounts, VolumesFrom, the volumes that they name. `image`: the
// container's, for messages.
Verdict<> judge_mounts(const json::Object& host_config, std::string_view image, Facts& facts);

// A bind of the host's `source`.
Verdict<> judge_bind(std::string_view source, bool writable, std::string_view image, const Facts& facts);

// The options of a volume of driver "local", which are those of mount(2) as the host's root.
Verdict<> judge_volume_options(std::string_view driver, const json::Object* options, std::string_view image,
                               const Facts& facts);

}  // namespace bulkhead::guard
