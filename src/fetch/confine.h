// What bulkhead-registry gives up before it reads a byte from anybody: it talks to the network and
// parses what comes, so that a bug in it must be worth nothing.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "base/result.h"

namespace bulkhead::fetch {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

// "UID:GID", or a user's name of the host's accounts. Errors: unknown (with the command that makes
// it), root.
Result<User> find_user(std::string_view text);

// For good: limits (no core, small files, few processes), the user with no other groups, no
// capabilities, no new privileges, not dumpable; Landlock (5.13) lets it read what name resolution
// and TLS need and write `cache_directory` alone; seccomp refuses to execute programs, to trace, to
// mount, to make namespaces and other calls that no HTTPS client needs. Without Landlock in the
// kernel the rest holds. Must be called before other threads exist. As a user that is not root
// already, the user stays.
Result<> confine(const User& user, std::string_view cache_directory);

}  // namespace bulkhead::fetch
