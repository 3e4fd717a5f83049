// Engines' control sockets on this host, under whatever name: who may talk to one is root.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace bulkhead::runtime {

// The program that listens on the socket file `socket` (O_PATH), if it is a container engine or
// one that takes no connection now (it cannot be told from an engine); "" otherwise. Connects and
// closes: the kernel keeps the listener's credentials for whoever connects.
std::string engine_behind(BorrowedFd socket);

// Paths of the listening stream sockets of the caller's network namespace and of process 1's, as they
// were bound: an engine may start the runtime in a network namespace that is not the host's.
std::vector<std::string> listening_sockets();

}  // namespace bulkhead::runtime
