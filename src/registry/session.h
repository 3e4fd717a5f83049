// A conversation with one registry about one repository: authentication and redirects.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "registry/http.h"

namespace bulkhead::registry {

// base64 of "user:password" per registry ("docker.io", "host:5000"). Secrets.
using Credentials = std::map<std::string, std::string, std::less<>>;

// {"auths": {"registry": {"auth": "..."}}}, the form of ~/.docker/config.json. Keys may be URLs as
// older versions wrote them ("https://index.docker.io/v1/"). Errors, also for what is not
// supported: helpers ("credHelpers", "credsStore") are programs and not run here, "identitytoken".
Result<Credentials> read_credentials(std::string_view text);

class Session {
 public:
  // `credential`: empty for none; it is sent to `host`, to the token server that `host` names, and
  // to nobody else. `repository`: "library/docker", for the token's scope.
  Session(const Send& send, std::string host, std::string repository, std::string credential);

  // GET or HEAD of a path of the host. Answers 401 by what the registry asks for, once; follows at
  // most three redirects, to https only; from another host on no credentials are sent, and what
  // that host would like to be told is not asked. Errors: as Send, and of the token server. The
  // response may have any status but 401 with a way to answer it, and none of 3xx.
  Result<HttpResponse> get(std::string_view path, std::size_t limit, bool head_only = false);

 private:
  Result<HttpResponse> follow(HttpRequest& request);
  Result<std::string> authorize(std::string_view header);
  Result<std::string> fetch_token(std::string_view realm, std::string_view service);

  const Send& send_;
  std::string host_, repository_, credential_;
  std::string authorization_;  // what the registry has taken last
};

}  // namespace bulkhead::registry
