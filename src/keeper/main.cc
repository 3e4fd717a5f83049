// bulkhead-keeper: the small process that a container has beside it on the host. Started by
// `bulkhead create` with its file descriptors at fixed numbers; ends by itself.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "cli/options.h"
#include "keeper/host_view.h"

namespace bulkhead::keeper {
namespace {

constexpr cli::Option kHostView[] = {
    {"fuse-fd", 0, "N", "the open /dev/fuse of the view's mount"},
    {"root-fd", 0, "N", "the container's root directory"},
    {"uid", 0, "N", "host uid of the container's uid 0"},
    {"gid", 0, "N", "host gid of the container's gid 0"},
    {"size", 0, "N", "number of ids"},
    {"id", 0, "ID", "the container; shown in process lists"},
};

Result<std::uint32_t> number(const cli::Parsed& parsed, const char* option) {
  auto value = parse_decimal<std::uint32_t>(parsed.get(option));
  if (!value) return fail(cat("--", option, ": a number is needed"));
  return *value;
}

Result<UniqueFd> inherited(const cli::Parsed& parsed, const char* option, mode_t type) {
  int fd = static_cast<int>(TRY(number(parsed, option)));
  struct stat st {};
  if (fd <= STDERR_FILENO || ::fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != type)
    return fail(cat("--", option, " ", fd, ": not the file descriptor that is needed"));
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return UniqueFd(fd);
}

// All but stdio and the two given: what the caller has open must not be held by a process that
// outlives it (the pipes of an engine, above all).
void close_others(int one, int other) {
  auto [low, high] = std::minmax(one, other);
  auto end_range = [](int from, int to) {
    if (from <= to) ::close_range(static_cast<unsigned>(from), static_cast<unsigned>(to), 0);
  };
  end_range(3, low - 1);
  end_range(low + 1, high - 1);
  ::close_range(static_cast<unsigned>(high) + 1, ~0u, 0);
}

Result<> host_view(std::span<const std::string> words) {
  auto parsed = TRY(cli::parse(kHostView, words));
  HostViewInputs inputs{
      .fuse = TRY(inherited(parsed, "fuse-fd", S_IFCHR)),
      .root = TRY(inherited(parsed, "root-fd", S_IFDIR)),
      .ids = {.uid_base = TRY(number(parsed, "uid")),
              .gid_base = TRY(number(parsed, "gid")),
              .size = TRY(number(parsed, "size"))},
  };
  close_others(inputs.fuse.get(), inputs.root.get());
  ::setsid();  // fails for a session leader, which is what we want to be
  return serve_host_view(std::move(inputs));
}

int run(std::span<const std::string> words) {
  auto done = !words.empty() && words[0] == "host-view"
                  ? host_view(words.subspan(1))
                  : fail(cat("usage: bulkhead-keeper host-view OPTIONS\n\n", cli::describe(kHostView)));
  if (done) return 0;
  log::error(cat("bulkhead-keeper: ", done.error().message));
  return 1;
}

}  // namespace
}  // namespace bulkhead::keeper

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  return bulkhead::keeper::run(words);
}
