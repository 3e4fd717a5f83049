// systemd's manager object (org.freedesktop.systemd1(5)) as far as a scope needs it.
#pragma once

#include <systemd/sd-bus.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "scope/property.h"

namespace bulkhead::scope {

class Systemd {
 public:
  // The system bus; where none runs (early boot, small images), systemd's own socket.
  static Result<Systemd> connect();

  // Starts scope `unit` with `properties` and process `pid` in it, waits for the job. A failed unit
  // of that name is reset first. Returns its ControlGroup ("/system.slice/docker-x.scope").
  Result<std::string> start(const std::string& unit, pid_t pid,
                            const std::vector<Property>& properties, int timeout_ms);

  // Changes properties until the unit goes (not on disk).
  Result<> set(const std::string& unit, const std::vector<Property>& properties);

  // Stops it, waits for the job, forgets a failure. A unit that is not loaded is no error.
  Result<> stop(const std::string& unit, int timeout_ms);

 private:
  struct Unref {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  };

  Result<> subscribe();
  Result<std::string> start_job(const std::string& unit, pid_t pid,
                                const std::vector<Property>& properties);
  // Errors: the job ended otherwise than "done", or not in time.
  Result<> wait_for(const std::string& job, int timeout_ms);
  void reset_failed(const std::string& unit);

  // Job to result; its address is known to the bus, which goes first.
  std::unique_ptr<std::map<std::string, std::string>> ended_jobs_ =
      std::make_unique<std::map<std::string, std::string>>();
  std::unique_ptr<sd_bus, Unref> bus_;
};

}  // namespace bulkhead::scope
