#include "guard/audit.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "json/write.h"
#include "sys/file.h"

namespace bulkhead::guard {
namespace {

std::string now() {
  timespec ts{};
  ::clock_gettime(CLOCK_REALTIME, &ts);
  tm parts{};
  ::gmtime_r(&ts.tv_sec, &parts);
  char text[40];
  auto size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  auto millis = std::to_string(1000 + ts.tv_nsec / 1'000'000);
  return std::string(text, size).append(".").append(millis, 1).append("Z");
}

bool carries_secrets(std::string_view parameter) {
  constexpr std::string_view kSecrets[] = {"buildargs", "remote",    "fromSrc", "changes",
                                           "labels",    "cachefrom", "outputs"};
  return std::ranges::find(kSecrets, parameter) != std::end(kSecrets);
}

}  // namespace

std::string shown_target(Target target) {
  for (auto& [name, value] : target.query.parameters)
    if (carries_secrets(name)) value = "...";
  return target.text();
}

std::string audit_line(std::string_view time, const Caller& caller, const Request& request,
                       std::string_view route, const Verdict<>& verdict) {
  json::Writer line;
  line.begin_object().field("time", time).field("listener", caller.listener);
  line.field("uid", caller.uid).field("pid", caller.pid).field("method", request.method);
  if (caller.holder) line.field("container_socket", caller.holder->key);
  line.field("target", shown_target(request.target)).field("route", route);
  line.field("verdict", verdict ? "allow" : "refuse");
  if (!verdict) line.field("rule", verdict.error().rule).field("message", verdict.error().message);
  if (!request.notes.empty()) line.field("changes", request.notes);
  return std::move(line.end_object()).take().append("\n");
}

Result<Audit> Audit::open(std::string_view path) {
  Audit audit;
  if (!path.empty()) audit.file_ = TRY(sys::open_path(path, O_WRONLY | O_APPEND | O_CREAT, 0600));
  return audit;
}

void Audit::record(const Caller& caller, const Request& request, std::string_view route,
                   const Verdict<>& verdict) const {
  auto line = audit_line(now(), caller, request, route, verdict);
  auto fd = file_ ? file_.get() : STDERR_FILENO;
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    log::error("bulkhead-guard: the audit log cannot be written");
}

}  // namespace bulkhead::guard
