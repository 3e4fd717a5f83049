// linux.cgroupsPath, as written by an engine (and with Docker's --cgroup-parent by its user), to a
// place that is certainly below the mount point and is never a cgroup of the host itself.
#include <climits>

#include "base/strings.h"
#include "cgroup/cgroup.h"

namespace bulkhead::cgroup {
namespace {

// A name of one cgroup: what mkdir in cgroupfs takes, and no way up.
Result<> check_component(std::string_view name, std::string_view path) {
  if (name == "..") return fail(cat("linux.cgroupsPath: ", path, ": \"..\" is not allowed"));
  if (name.size() > NAME_MAX)
    return fail(cat("linux.cgroupsPath: a component is longer than ", NAME_MAX, " bytes"));
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f)
      return fail("linux.cgroupsPath: control characters and NUL are not allowed");
  return {};
}

Result<std::string> clean_path(std::string_view path) {
  std::string clean;
  for (std::string_view name : split(path, '/')) {
    if (name.empty() || name == ".") continue;
    TRY(check_component(name, path));
    clean.append("/").append(name);
  }
  if (clean.empty()) return fail("linux.cgroupsPath: the root cgroup cannot be a container's");
  if (clean.size() >= PATH_MAX - 256) return fail("linux.cgroupsPath: too long");
  return clean;
}

Result<> check_unit_part(std::string_view part, std::string_view what) {
  for (char c : part) {
    bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == ':' || c == '-' || c == '_' || c == '.' || c == '\\' || c == '@';
    if (!fine)
      return fail(cat("linux.cgroupsPath: ", what, " \"", part,
                      "\" has a character that no systemd unit name can have"));
  }
  return {};
}

Result<Location> locate_unit(std::string_view text, std::string_view id) {
  Location location{.driver = Location::Driver::kSystemd, .slice = "system.slice",
                    .prefix = "bulkhead", .name = std::string(id)};
  if (!text.empty()) {
    auto parts = split(text, ':');
    if (parts.size() != 3)
      return fail(cat("linux.cgroupsPath: \"", text,
                      "\": the systemd cgroup driver expects \"slice:prefix:name\""));
    if (!parts[0].empty()) location.slice = parts[0];
    location.prefix = parts[1];
    location.name = parts[2];
  }
  if (location.slice != "-.slice" && !location.slice.ends_with(".slice"))
    return fail(cat("linux.cgroupsPath: \"", location.slice, "\" does not end in .slice"));
  if (location.name.empty()) return fail("linux.cgroupsPath: the unit's name is empty");
  TRY(check_unit_part(location.slice, "slice"));
  TRY(check_unit_part(location.prefix, "prefix"));
  TRY(check_unit_part(location.name, "name"));
  return location;
}

}  // namespace

Result<Location> locate(std::string_view cgroups_path, std::string_view id, bool systemd) {
  if (systemd) return locate_unit(cgroups_path, id);
  Location location;
  if (!cgroups_path.empty()) {
    location.path = TRY(clean_path(cgroups_path));
    return location;
  }
  if (id.empty() || id.find('/') != std::string_view::npos || id == "." || id == "..")
    return fail(cat("container id \"", id, "\" cannot name a cgroup"));
  location.path = TRY(clean_path(cat("/", kDefaultParent, "/", id)));
  return location;
}

}  // namespace bulkhead::cgroup
