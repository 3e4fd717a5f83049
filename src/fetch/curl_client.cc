#include "fetch/curl_client.h"

#include <curl/curl.h>
#include <time.h>

#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"

namespace bulkhead::fetch {
namespace {

constexpr long kConnectSeconds = 10;

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// What the callbacks fill. A false return of theirs ends the transfer with CURLE_WRITE_ERROR.
struct Exchange {
  registry::HttpResponse response;
  std::size_t limit = 0, head_bytes = 0;
  bool is_over = false;  // a limit, not the network, ended it
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.response.body.size() + size > exchange.limit) {
    exchange.is_over = true;
    return 0;
  }
  exchange.response.body.append(data, size);
  return size;
}

bool is_named(std::string_view name, std::string_view expected) {
  return std::ranges::equal(name, expected, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.head_bytes += size;
  if (exchange.head_bytes > limits::kHttpHeadBytes) {
    exchange.is_over = true;
    return 0;
  }
  std::string_view line(data, size);
  auto colon = line.find(':');
  if (colon == line.npos) return size;
  auto name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  auto& response = exchange.response;
  if (is_named(name, "docker-content-digest")) response.docker_digest = value;
  if (is_named(name, "www-authenticate")) {
    if (!response.challenge.empty()) response.challenge += ", ";
    response.challenge += value;
  }
  return size;
}

// libcurl copies the text, but its structure has no const: hence ours.
void set_blob(CURL* curl, CURLoption option, std::string text) {
  if (text.empty()) return;
  curl_blob blob{text.data(), text.size(), CURL_BLOB_COPY};
  curl_easy_setopt(curl, option, &blob);
}

void set_trust(CURL* curl, const CurlSettings& settings, const std::string& host) {
  curl_easy_setopt(curl, CURLOPT_CAPATH, "/etc/ssl/certs");
  auto found = settings.certificates.find(host);
  if (found == settings.certificates.end()) return;
  // Replaces the system's authorities as a file; those of the directory above stay.
  set_blob(curl, CURLOPT_CAINFO_BLOB, found->second.authorities);
  set_blob(curl, CURLOPT_SSLCERT_BLOB, found->second.client);
  set_blob(curl, CURLOPT_SSLKEY_BLOB, found->second.client_key);
}

void set_limits(CURL* curl, long left_ms) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS,
                   1L);  // a proxy's headers are not the registry's
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "bulkhead-registry");
}

curl_slist* headers_of(const registry::HttpRequest& request) {
  curl_slist* list = curl_slist_append(nullptr, cat("Accept: ", request.accept).c_str());
  if (!request.authorization.empty())
    list = curl_slist_append(list, cat("Authorization: ", request.authorization).c_str());
  return list;
}

std::unexpected<Error> late(const std::string& host) {
  return fail(cat(host, ": no answer in time (bulkhead.registry.timeoutSeconds)"));
}

// "host: reason", with what an administrator can do about it.
std::unexpected<Error> describe(const std::string& host, CURLcode code, const char* detail,
                                const Exchange& exchange) {
  if (exchange.is_over || code == CURLE_FILESIZE_EXCEEDED)
    return fail(cat(host, ": the answer is longer than the limit of ", exchange.limit, " bytes"));
  std::string text = cat(host, ": ", *detail ? detail : curl_easy_strerror(code));
  if (code == CURLE_OPERATION_TIMEDOUT) return late(host);
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    text += "; an authority of your own belongs in certs.d (bulkhead.registry.certificates)";
  return fail(std::move(text));
}

}  // namespace

Result<> start_curl() {
  CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) return fail(cat("libcurl: ", curl_easy_strerror(code)));
  return {};
}

CurlClient::CurlClient(const CurlSettings& settings)
    : settings_(settings),
      handle_(curl_easy_init()),
      deadline_ms_(now_ms() + std::int64_t{settings.timeout_seconds} * 1000) {}

CurlClient::~CurlClient() { curl_easy_cleanup(handle_); }

Result<registry::HttpResponse> CurlClient::send(const registry::HttpRequest& request) {
  const auto& host = request.url.host;
  std::int64_t left_ms = deadline_ms_ - now_ms();
  if (!handle_) return fail("libcurl: out of memory");
  if (left_ms <= 0) return late(host);
  CURL* curl = handle_;
  curl_easy_reset(curl);  // connections stay
  set_limits(curl, static_cast<long>(left_ms));
  set_trust(curl, settings_, host);
  curl_easy_setopt(curl, CURLOPT_PROXY,
                   settings_.proxy.c_str());  // "": also none from the environment
  curl_easy_setopt(curl, CURLOPT_NOPROXY, settings_.no_proxy.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, request.url.text().c_str());
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.limit));
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head_only ? 1L : 0L);

  char detail[CURL_ERROR_SIZE] = "";
  Exchange exchange{.limit = request.limit};
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(headers_of(request),
                                                             curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK) return describe(host, code, detail, exchange);

  long status = 0;
  const char* text = nullptr;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK && text)
    exchange.response.content_type = text;
  text = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &text) == CURLE_OK && text)
    exchange.response.redirect = text;
  return std::move(exchange.response);
}

}  // namespace bulkhead::fetch
