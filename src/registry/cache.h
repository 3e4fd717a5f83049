// Verified answers on disk, one file per reference: what was known survives a restart and a
// registry that is down. The directory belongs to the registry process alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "registry/served.h"

namespace bulkhead::registry {

class Cache {
 public:
  // `directory`: an open directory. Files that are not ours to read are no answers.
  explicit Cache(UniqueFd directory, std::size_t max_entries = limits::kRegistryCacheEntries)
      : directory_(std::move(directory)), max_entries_(max_entries) {}

  // The last verified answer; nullopt when there is none, or none that can be read: a file that was
  // cut off by a crash is as good as none.
  std::optional<Served> find(const images::Reference& reference) const;
  // Keeps an answer; makes room when there are too many (the oldest go).
  Result<> store(const Served& served) const;
  void forget(const images::Reference& reference) const;

 private:
  void make_room() const;
  UniqueFd directory_;
  std::size_t max_entries_;
};

// How old an answer is; nullopt when it says that it is from the future by more than a minute: the
// clock was set back, and an age cannot be told.
std::optional<std::int64_t> age_of(const Served& served, std::int64_t now);

// {"images": [SERVED, ...]}: the pin file, by Reference::text(). Errors name the entry, also one
// that is there twice.
using Pins = std::map<std::string, Served, std::less<>>;
Result<Pins> read_pins(std::string_view text);

}  // namespace bulkhead::registry
