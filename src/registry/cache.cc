#include "registry/cache.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/strings.h"
#include "json/fields.h"
#include "registry/manifest.h"
#include "sys/file.h"

namespace bulkhead::registry {
namespace {

constexpr std::int64_t kClockSlackSeconds = 60;
constexpr std::string_view kSuffix = ".json";

// References have slashes: a file's name is their hash.
std::string file_of(const images::Reference& reference) {
  return digest_of(reference.text()).substr(std::string_view("sha256:").size()).append(kSuffix);
}

struct PinFile {
  std::vector<Served> images;
};

Result<> read_images(PinFile& out, const json::Value& value, const json::Path& path) {
  const json::Array* array = TRY(json::array_in(value, path, limits::kRegistryCacheEntries));
  for (std::size_t i = 0; i < array->size(); ++i)
    out.images.push_back(TRY_IN(json::Path(path, i).text(), read_served((*array)[i])));
  return {};
}

json::Table<PinFile> fields_of(std::type_identity<PinFile>) {
  static constexpr auto kFields = json::fields<PinFile>({
      {"images", json::custom<read_images>, json::kRequired},
  });
  return {kFields, json::Unknown::kRefuse};
}

Result<Served> parse_served(std::string_view text) { return read_served(TRY(json::parse(text))); }

}  // namespace

std::optional<Served> Cache::find(const images::Reference& reference) const {
  auto text = sys::read_file_at(directory_.get(), file_of(reference), limits::kRegistryFrameBytes);
  if (!text) return std::nullopt;
  auto served = parse_served(*text);
  if (!served || served->reference != reference) return std::nullopt;
  served->source = "cache";
  return *std::move(served);
}

Result<> Cache::store(const Served& served) const {
  make_room();
  json::Writer out;
  write(out, served);
  return sys::replace_file_at(directory_.get(), file_of(served.reference), std::move(out).take(),
                              0600);
}

void Cache::forget(const images::Reference& reference) const {
  ::unlinkat(directory_.get(), file_of(reference).c_str(), 0);
}

void Cache::make_room() const {
  auto own = sys::open_at(directory_.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!own) return;
  std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(own->get()), ::closedir);
  if (!list) return;
  (void)own->release();
  std::vector<std::pair<std::int64_t, std::string>> files;  // age order by modification time
  while (const dirent* entry = ::readdir(list.get())) {
    struct stat st{};
    if (std::string_view(entry->d_name).ends_with(kSuffix) &&
        ::fstatat(directory_.get(), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
      files.emplace_back(st.st_mtime, entry->d_name);
  }
  if (files.size() < max_entries_) return;
  std::ranges::sort(files);
  for (std::size_t i = 0; i <= files.size() - max_entries_; ++i)
    ::unlinkat(directory_.get(), files[i].second.c_str(), 0);
}

std::optional<std::int64_t> age_of(const Served& served, std::int64_t now) {
  std::int64_t age = now - served.verified_at;
  if (served.verified_at <= 0 || age < -kClockSlackSeconds) return std::nullopt;
  return std::max<std::int64_t>(age, 0);
}

Result<Pins> read_pins(std::string_view text) {
  auto file = TRY(json::read<PinFile>(TRY(json::parse(text))));
  Pins pins;
  for (auto& served : file.images) {
    std::string name = served.reference.text();
    served.source = "pin";
    if (!pins.emplace(name, std::move(served)).second)
      return fail(cat("images: \"", name, "\" is there twice"));
  }
  return pins;
}

}  // namespace bulkhead::registry
