#include "fetch/certificates.h"

#include <dirent.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/strings.h"
#include "images/reference.h"
#include "sys/file.h"

namespace bulkhead::fetch {
namespace {

// The entries' names, sorted.
Result<std::vector<std::string>> list(BorrowedFd directory, std::string_view name) {
  UniqueFd own = TRY_IN(name, sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(own.get()), ::closedir);
  if (!entries) return fail_errno(name);
  (void)own.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

Result<Certificates> read_one(BorrowedFd directory, std::string_view name) {
  Certificates out;
  auto read = [&](const std::string& file) {
    return sys::read_file_at(directory, file, limits::kCertificateBytes);
  };
  for (const auto& file : TRY(list(directory, name))) {
    if (file.ends_with(".crt")) out.authorities += cat(TRY_IN(name, read(file)), "\n");
    if (!file.ends_with(".cert")) continue;
    if (!out.client.empty()) return fail(cat(name, ": more than one client certificate"));
    out.client = TRY_IN(name, read(file));
    std::string key = cat(file.substr(0, file.size() - std::string_view("cert").size()), "key");
    out.client_key = TRY_IN(cat(name, ": the key of ", file), read(key));
  }
  return out;
}

}  // namespace

Result<CertificateStore> read_certificates(std::string_view directory) {
  auto top = sys::open_path(directory, O_RDONLY | O_DIRECTORY);
  if (!top && top.error().code == ENOENT) return CertificateStore();
  if (!top) return std::unexpected(std::move(top).error());
  CertificateStore store;
  for (const auto& host : TRY(list(top->get(), directory))) {
    if (!images::is_host(host))
      continue;  // a README, a host with a path that only containerd knows
    auto own = sys::open_at(top->get(), host, O_RDONLY | O_DIRECTORY);
    if (!own && own.error().code == ENOTDIR) continue;
    std::string name = cat(directory, "/", host);
    if (!own) return std::unexpected(std::move(own).error().wrap(name));
    store[host] = TRY(read_one(own->get(), name));
  }
  return store;
}

}  // namespace bulkhead::fetch
