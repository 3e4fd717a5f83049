// Unix sockets: connect, and file descriptors over them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bulkhead::sys {

// Connects a stream socket to the path (at most 107 bytes: the kernel's sun_path).
Result<UniqueFd> connect_unix(std::string_view path);

// Sends `fd` with `text` as the data (never empty: SCM_RIGHTS needs a byte).
Result<> send_fd(BorrowedFd socket, BorrowedFd fd, std::string_view text);

}  // namespace bulkhead::sys
