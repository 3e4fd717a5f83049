#include "guard/sockets.h"

#include <dirent.h>
#include <sys/random.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "sys/file.h"

namespace bulkhead::guard {
namespace {

constexpr std::size_t kKeyDigits = 32;
constexpr std::string_view kFolder = "/sockets/", kSocket = "/docker.sock";

std::string folder_of(std::string_view state, std::string_view key) { return cat(state, kFolder, key); }

Result<Holder> load(std::string_view state, std::string_view key) {
  auto text = TRY(sys::read_file(cat(folder_of(state, key), "/image"), limits::kSmallFileBytes));
  Holder holder{std::string(key), {}};
  if (auto name = trim(text); !name.empty()) holder.verified = TRY(images::parse_reference(name));
  return holder;
}

}  // namespace

std::string new_key() {
  unsigned char bytes[kKeyDigits / 2];
  while (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
  }
  std::string key;
  for (auto byte : bytes) key.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  return key;
}

bool is_key(std::string_view text) {
  return text.size() == kKeyDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string socket_path(std::string_view state, std::string_view key) {
  return cat(folder_of(state, key), kSocket);
}

std::optional<std::string> key_of(std::string_view state, std::string_view path) {
  auto prefix = folder_of(state, "");
  if (!path.starts_with(prefix) || !path.ends_with(kSocket)) return std::nullopt;
  path.remove_prefix(prefix.size());
  path.remove_suffix(std::min(path.size(), kSocket.size()));
  return is_key(path) ? std::optional<std::string>(path) : std::nullopt;
}

Result<> store_holder(std::string_view state, const Holder& holder) {
  // 0700 down to the sockets: on the host only root gets there, whatever mode a socket has.
  auto folder = TRY(sys::make_directories(folder_of(state, holder.key), 0700));
  auto text = holder.verified.path.empty() ? std::string() : holder.verified.text();
  return sys::replace_file_at(folder.get(), "image", text.append("\n"), 0600);
}

Result<std::vector<Holder>> load_holders(std::string_view state) {
  auto folder = TRY(sys::make_directories(folder_of(state, ""), 0700));
  std::vector<Holder> holders;
  DIR* entries = ::fdopendir(folder.release());
  if (!entries) return fail_errno(folder_of(state, ""));
  while (const auto* entry = ::readdir(entries)) {
    if (!is_key(entry->d_name)) continue;
    auto holder = load(state, entry->d_name);
    if (holder)
      holders.push_back(std::move(*holder));
    else
      log::warn(cat("bulkhead-guard: ", holder.error().message));
  }
  ::closedir(entries);
  return holders;
}

Result<> remove_holder(std::string_view state, std::string_view key) {
  auto folder = TRY(sys::open_path(folder_of(state, ""), O_RDONLY | O_DIRECTORY));
  return sys::remove_tree_at(folder.get(), key);
}

}  // namespace bulkhead::guard
