// certs.d of the settings, as dockerd reads it: certs.d/HOST[:PORT]/*.crt are authorities that are
// trusted for that registry besides the system's, NAME.cert with NAME.key is a client certificate.
// Read while the process still may: keys are root's.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead::fetch {

struct Certificates {  // PEM texts, possibly empty
  std::string authorities, client, client_key;
};
using CertificateStore = std::map<std::string, Certificates, std::less<>>;  // by host[:port]

// A directory that does not exist is an empty store. Errors name the file: unreadable, over
// limits::kCertificateBytes, a certificate without its key, two clients for one registry.
Result<CertificateStore> read_certificates(std::string_view directory);

}  // namespace bulkhead::fetch
