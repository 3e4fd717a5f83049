// The Docker sockets that containers are handed: one for each, so that the socket that a request came
// in by says who asks. Each has a directory of its own below the state directory:
//   sockets/KEY/docker.sock   what the container has mounted; any uid of its user namespace may connect
//   sockets/KEY/image         what its image was verified as: decides the command list
// Their inodes outlive this process: the listening sockets are kept by the supervisor (supervisor.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "images/reference.h"

namespace bulkhead::guard {

// Whose requests come by a socket.
struct Holder {
  std::string key;
  images::Reference verified;  // empty: an image that only "*" allows
};

// A key that nobody can guess: 32 hexadecimal digits.
std::string new_key();
bool is_key(std::string_view text);

// "DIR/sockets/KEY/docker.sock" and back; nothing: not such a path.
std::string socket_path(std::string_view state_directory, std::string_view key);
std::optional<std::string> key_of(std::string_view state_directory, std::string_view path);

// Makes the directory and writes what it is for.
Result<> store_holder(std::string_view state_directory, const Holder& holder);

// The holders that are stored. Errors: the directory cannot be read; a broken entry is left out.
Result<std::vector<Holder>> load_holders(std::string_view state_directory);

Result<> remove_holder(std::string_view state_directory, std::string_view key);

}  // namespace bulkhead::guard
