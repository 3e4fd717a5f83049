#include "registry/session.h"

#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "base/strings.h"
#include "images/reference.h"
#include "json/fields.h"
#include "json/write.h"
#include "registry/challenge.h"
#include "registry/manifest.h"

namespace bulkhead::registry {
namespace {

using json::field;

constexpr int kRedirects = 3;

struct Auth {
  std::string auth, identity_token;
};

struct ConfigFile {
  std::map<std::string, Auth> auths;
  std::map<std::string, std::string> helpers;
  std::string store;
};

json::Table<Auth> fields_of(std::type_identity<Auth>) {
  static constexpr auto kFields = json::fields<Auth>({
      {"auth", field<&Auth::auth>},
      {"identitytoken", field<&Auth::identity_token>},
  });
  return {kFields};
}

json::Table<ConfigFile> fields_of(std::type_identity<ConfigFile>) {
  static constexpr auto kFields = json::fields<ConfigFile>({
      {"auths", field<&ConfigFile::auths>},
      {"credHelpers", field<&ConfigFile::helpers>},
      {"credsStore", field<&ConfigFile::store>},
  });
  return {kFields};
}

bool is_base64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
  });
}

// "https://index.docker.io/v1/" is docker.io.
std::string registry_of(std::string_view key) {
  for (std::string_view scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  key = key.substr(0, key.find('/'));
  bool is_hub = key == "index.docker.io" || key == "registry-1.docker.io";
  return is_hub ? "docker.io" : std::string(key);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Result<Credentials> read_credentials(std::string_view text) {
  auto file = TRY(json::read<ConfigFile>(TRY(json::parse(text))));
  if (!file.store.empty() || !file.helpers.empty())
    return fail(
        "credsStore and credHelpers are programs that are not run here; write \"auths\" instead");
  Credentials out;
  for (auto& [key, auth] : file.auths) {
    std::string registry = registry_of(key);
    if (!images::is_host(registry))
      return fail(cat("auths: ", json::quote(key), " is no registry"));
    if (!is_base64(auth.auth)) return fail(cat("auths.", registry, ".auth: is not base64"));
    if (!auth.identity_token.empty())
      return fail(cat("auths.", registry,
                      ".identitytoken is not supported; write user and password as \"auth\""));
    out[registry] = std::move(auth.auth);
  }
  return out;
}

Session::Session(const Send& send, std::string host, std::string repository, std::string credential)
    : send_(send),
      host_(std::move(host)),
      repository_(std::move(repository)),
      credential_(std::move(credential)) {}

Result<HttpResponse> Session::get(std::string_view path, std::size_t limit, bool head_only) {
  HttpRequest request{.url = {host_, std::string(path)},
                      .head_only = head_only,
                      .accept = std::string(accepted_manifests()),
                      .authorization = authorization_,
                      .limit = limit};
  const HttpRequest first = request;
  auto response = TRY(follow(request));
  bool is_asked =
      response.status == 401 && !response.challenge.empty() && request.url.host == host_;
  if (!is_asked) return response;
  authorization_ = TRY(authorize(response.challenge));
  if (authorization_.empty()) return response;
  request = first;
  request.authorization = authorization_;
  return follow(request);
}

Result<HttpResponse> Session::follow(HttpRequest& request) {
  for (int hop = 0; hop <= kRedirects; ++hop) {
    auto response = TRY(send_(request));
    if (!is_redirect(response.status)) return response;
    Url target = TRY_IN(cat(request.url.host, ": redirects"), parse_url(response.redirect));
    if (target.host != request.url.host) request.authorization.clear();
    request.url = std::move(target);
  }
  return fail(cat(host_, ": more than ", kRedirects, " redirects"));
}

// What to send in the Authorization header; empty: we have nothing that the registry asks for.
Result<std::string> Session::authorize(std::string_view header) {
  auto challenge = parse_challenge(header);
  if (!challenge) return std::string();
  if (challenge->scheme == Challenge::Scheme::kBearer)
    return cat("Bearer ", TRY(fetch_token(challenge->realm, challenge->service)));
  return credential_.empty() ? std::string() : cat("Basic ", credential_);
}

// The scope is ours, not the registry's wish: to read this repository.
Result<std::string> Session::fetch_token(std::string_view realm, std::string_view service) {
  Url url = TRY_IN(cat(host_, ": token server"), parse_url(realm));
  std::vector<std::pair<std::string, std::string>> parameters;
  if (!service.empty()) parameters.emplace_back("service", service);
  parameters.emplace_back("scope", cat("repository:", repository_, ":pull"));
  url.path = with_query(url.path, parameters);
  HttpRequest request{
      .url = std::move(url), .accept = "application/json", .limit = limits::kTokenBytes};
  if (!credential_.empty()) request.authorization = cat("Basic ", credential_);
  auto response = TRY(send_(request));
  if (response.status != 200)
    return fail(cat(request.url.host, ": the token server of ", host_, " answers with status ",
                    response.status,
                    credential_.empty() ? "" : "; is bulkhead.registry.credentialsFile right?"));
  return TRY_IN(cat(request.url.host, ": token"), parse_token(response.body));
}

}  // namespace bulkhead::registry
