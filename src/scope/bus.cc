#include "scope/bus.h"

#include <time.h>

#include <cstdlib>

#include "base/strings.h"

namespace bulkhead::scope {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr const char* kUnitExists = "org.freedesktop.systemd1.UnitExists";

struct Message {
  sd_bus_message* value = nullptr;
  Message() = default;
  Message(const Message&) = delete;
  ~Message() { sd_bus_message_unref(value); }
};

struct BusError {
  sd_bus_error value = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&value); }
  bool is(const char* name) const { return sd_bus_error_has_name(&value, name) > 0; }
};

std::unexpected<Error> bus_failure(std::string_view what, int code, const BusError& error = {}) {
  if (error.value.message != nullptr)
    return std::unexpected(Error{-code, cat(what, ": ", error.value.message)});
  return fail_errno(what, -code);
}

std::uint64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

// JobRemoved(u id, o job, s unit, s result): every end is kept, whosever job it was.
int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
  std::uint32_t id = 0;
  const char *job = nullptr, *unit = nullptr, *result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0)
    (*static_cast<std::map<std::string, std::string>*>(data))[job] = result;
  return 0;
}

int append_properties(sd_bus_message* message, const std::vector<Property>& properties) {
  for (const Property& property : properties)
    if (int code = append_property(message, property); code < 0) return code;
  return 0;
}

}  // namespace

Result<Systemd> Systemd::connect() {
  Systemd systemd;
  sd_bus* bus = nullptr;
  int code = sd_bus_open_system(&bus);
  if (code < 0) {
    if (code = sd_bus_new(&bus); code < 0) return bus_failure("make a bus connection", code);
    systemd.bus_.reset(bus);
    code = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
    if (code >= 0) code = sd_bus_start(bus);
    if (code < 0)
      return bus_failure("connect to systemd, on the system bus and on /run/systemd/private; is "
                         "systemd running? Otherwise use the cgroupfs driver", code);
    return systemd;
  }
  systemd.bus_.reset(bus);
  return systemd;
}

// Before the job is asked for, so that its end cannot be missed: sd-bus queues signals that arrive
// while a reply is awaited.
Result<> Systemd::subscribe() {
  int code = sd_bus_match_signal(bus_.get(), nullptr, nullptr, kPath, kManager, "JobRemoved",
                                 on_job_removed, ended_jobs_.get());
  if (code < 0) return bus_failure("match JobRemoved", code);
  BusError error;
  code = sd_bus_call_method(bus_.get(), kService, kPath, kManager, "Subscribe", &error.value,
                            nullptr, nullptr);
  if (code < 0 && !error.is("org.freedesktop.systemd1.AlreadySubscribed"))
    return bus_failure("subscribe to systemd's signals", code, error);
  return {};
}

Result<> Systemd::wait_for(const std::string& job, int timeout_ms) {
  std::uint64_t end = now_us() + static_cast<std::uint64_t>(timeout_ms) * 1000;
  while (!ended_jobs_->contains(job)) {
    int code = sd_bus_process(bus_.get(), nullptr);
    if (code > 0) continue;
    std::uint64_t now = now_us();
    if (code == 0 && now >= end)
      return fail(cat("systemd's job took more than ", timeout_ms, " ms"));
    if (code == 0) code = sd_bus_wait(bus_.get(), end - now);
    if (code < 0 && code != -EINTR) return bus_failure("wait for systemd's job", code);
  }
  const std::string& result = (*ended_jobs_)[job];
  if (result != "done") return fail(cat("systemd's job ended as \"", result, "\""));
  return {};
}

void Systemd::reset_failed(const std::string& unit) {
  (void)sd_bus_call_method(bus_.get(), kService, kPath, kManager, "ResetFailedUnit", nullptr,
                           nullptr, "s", unit.c_str());
}

// StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) auxiliary units) -> o job.
Result<std::string> Systemd::start_job(const std::string& unit, pid_t pid,
                                       const std::vector<Property>& properties) {
  for (bool again = false;; again = true) {
    Message call, reply;
    BusError error;
    int code = sd_bus_message_new_method_call(bus_.get(), &call.value, kService, kPath, kManager,
                                              "StartTransientUnit");
    if (code >= 0) code = sd_bus_message_append(call.value, "ss", unit.c_str(), "fail");
    if (code >= 0) code = sd_bus_message_open_container(call.value, 'a', "(sv)");
    if (code >= 0) code = append_properties(call.value, properties);
    if (code >= 0)
      code = sd_bus_message_append(call.value, "(sv)", "PIDs", "au", 1,
                                   static_cast<std::uint32_t>(pid));
    if (code >= 0) code = sd_bus_message_close_container(call.value);
    if (code >= 0) code = sd_bus_message_append(call.value, "a(sa(sv))", 0);
    if (code < 0) return bus_failure("build StartTransientUnit", code);
    code = sd_bus_call(bus_.get(), call.value, 0, &error.value, &reply.value);
    if (code < 0 && error.is(kUnitExists) && !again) {
      reset_failed(unit);  // the remains of a container that failed; a running one stays
      continue;
    }
    if (code < 0) return bus_failure(cat("StartTransientUnit ", unit), code, error);
    const char* job = nullptr;
    if (code = sd_bus_message_read(reply.value, "o", &job); code < 0)
      return bus_failure("read the reply of StartTransientUnit", code);
    return std::string(job);
  }
}

Result<std::string> Systemd::start(const std::string& unit, pid_t pid,
                                   const std::vector<Property>& properties, int timeout_ms) {
  TRY(subscribe());
  std::string job = TRY(start_job(unit, pid, properties));
  if (auto done = wait_for(job, timeout_ms); !done) {
    reset_failed(unit);
    return std::unexpected(std::move(done.error()).wrap(cat("start ", unit)));
  }
  char *path = nullptr, *group = nullptr;
  BusError error;
  int code = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
  if (code >= 0)
    code = sd_bus_get_property_string(bus_.get(), kService, path, "org.freedesktop.systemd1.Scope",
                                      "ControlGroup", &error.value, &group);
  std::string value = group == nullptr ? "" : group;
  free(path);
  free(group);
  if (code < 0) return bus_failure(cat("read ControlGroup of ", unit), code, error);
  if (value.empty()) return fail(cat(unit, " has no ControlGroup"));
  return value;
}

// SetUnitProperties(s name, b runtime, a(sv) properties).
Result<> Systemd::set(const std::string& unit, const std::vector<Property>& properties) {
  Message call;
  BusError error;
  int code = sd_bus_message_new_method_call(bus_.get(), &call.value, kService, kPath, kManager,
                                            "SetUnitProperties");
  if (code >= 0) code = sd_bus_message_append(call.value, "sb", unit.c_str(), 1);
  if (code >= 0) code = sd_bus_message_open_container(call.value, 'a', "(sv)");
  if (code >= 0) code = append_properties(call.value, properties);
  if (code >= 0) code = sd_bus_message_close_container(call.value);
  if (code < 0) return bus_failure("build SetUnitProperties", code);
  code = sd_bus_call(bus_.get(), call.value, 0, &error.value, nullptr);
  if (code < 0) return bus_failure(cat("SetUnitProperties ", unit), code, error);
  return {};
}

// StopUnit(s name, s mode) -> o job.
Result<> Systemd::stop(const std::string& unit, int timeout_ms) {
  TRY(subscribe());
  Message reply;
  BusError error;
  int code = sd_bus_call_method(bus_.get(), kService, kPath, kManager, "StopUnit", &error.value,
                            &reply.value, "ss", unit.c_str(), "replace");
  if (code < 0 && error.is(kNoSuchUnit)) return {};
  if (code < 0) return bus_failure(cat("StopUnit ", unit), code, error);
  const char* job = nullptr;
  if (code = sd_bus_message_read(reply.value, "o", &job); code < 0)
    return bus_failure("read the reply of StopUnit", code);
  TRY_IN(cat("stop ", unit), wait_for(job, timeout_ms));
  reset_failed(unit);
  return {};
}

}  // namespace bulkhead::scope
