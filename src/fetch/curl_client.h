// HTTPS by libcurl: the one adapter. Only https, the system's authorities and those of certs.d, no
// redirects, no cookies, no decoding, nothing from the environment, everything limited in size, and
// one deadline for all requests of a client.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fetch/certificates.h"
#include "registry/http.h"

namespace bulkhead::fetch {

struct CurlSettings {
  CertificateStore certificates;
  std::string proxy;     // URL or empty
  std::string no_proxy;  // "host,.domain"
  std::uint32_t timeout_seconds = 20;
};

// libcurl's own start; once per process, before anything else here. Errors: it does not start.
Result<> start_curl();

class CurlClient {
 public:
  // The deadline is `timeout_seconds` from now. `settings` must outlive the client.
  explicit CurlClient(const CurlSettings& settings);
  ~CurlClient();
  CurlClient(CurlClient&&) = delete;

  // As Send. Connections are kept for the next request to the same host.
  Result<registry::HttpResponse> send(const registry::HttpRequest& request);

 private:
  const CurlSettings& settings_;
  void* handle_;              // CURL*
  std::int64_t deadline_ms_;  // CLOCK_MONOTONIC
};

}  // namespace bulkhead::fetch
