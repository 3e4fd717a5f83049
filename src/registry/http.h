// One HTTP exchange, as the registry code sees it: plain values, so that what decides is tested
// without a network. curl_client.h is the real one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "registry/url.h"

namespace bulkhead::registry {

struct HttpRequest {
  Url url;
  bool head_only = false;
  std::string accept;
  std::string authorization;  // the header's value; a secret: never in a message
  std::size_t limit = 0;      // of the answer's body, bytes; a longer one is an error
};

struct HttpResponse {
  int status = 0;
  std::string content_type, docker_digest;  // headers; empty when absent
  std::string challenge;                    // WWW-Authenticate, several joined by ", "
  std::string redirect;                     // absolute URL of a Location, or empty
  std::string body;
};

// Sends a request and waits for the answer; redirects are not followed. Errors: no connection, TLS,
// limits, time: "registry.corp: certificate has expired".
using Send = std::function<Result<HttpResponse>(const HttpRequest&)>;

}  // namespace bulkhead::registry
