#include "registry/protocol.h"

#include "base/limits.h"
#include "base/strings.h"
#include "json/fields.h"

namespace bulkhead::registry {
namespace {

using json::field;
using json::Path;
using json::Value;

constexpr std::size_t kLengthBytes = 4;
constexpr std::string_view kFailures[] = {"unreachable", "gone"};

std::string frame(std::string_view text) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint32_t>(text.size()) >> shift);
  return out.append(text);
}

struct RawRequest {
  std::uint64_t id = 0;
  std::string reference;
  bool cached_only = false;
};

struct RawResponse {
  std::uint64_t id = 0;
  std::optional<Served> served;
  std::string error, kind = "unreachable";
};

Result<> read_optional_served(RawResponse& out, const Value& value, const Path& path) {
  out.served = TRY_IN(path.text(), read_served(value));
  return {};
}

Result<> check_response(RawResponse& response, const Path& path) {
  if (response.served.has_value() == !response.error.empty())
    return json::fail_at(path, "expected either \"served\" or \"error\"");
  return {};
}

json::Table<RawRequest> fields_of(std::type_identity<RawRequest>) {
  static constexpr auto kFields = json::fields<RawRequest>({
      {"id", field<&RawRequest::id>, json::kRequired},
      {"reference", field<&RawRequest::reference>, json::kRequired},
      {"cachedOnly", field<&RawRequest::cached_only>},
  });
  return {kFields, json::Unknown::kRefuse};
}

json::Table<RawResponse> fields_of(std::type_identity<RawResponse>) {
  static constexpr auto kFields = json::fields<RawResponse>({
      {"id", field<&RawResponse::id>, json::kRequired},
      {"served", json::custom<read_optional_served>},
      {"error", field<&RawResponse::error>},
      {"kind", json::one_of<&RawResponse::kind, kFailures>},
  });
  return {kFields, json::Unknown::kRefuse, check_response};
}

}  // namespace

std::string encode(const Request& request) {
  json::Writer out;
  out.begin_object().field("id", request.id).field("reference", request.reference.text());
  if (request.cached_only) out.field("cachedOnly", true);
  return frame(std::move(out.end_object()).take());
}

std::string encode(const Response& response) {
  json::Writer out;
  out.begin_object().field("id", response.id);
  if (response.served) {
    write(out.key("served"), *response.served);
  } else {
    std::string_view message = response.served.error().message;
    out.field("error",
              message.empty() ? "unknown" : message.substr(0, limits::kRegistryMessageBytes));
    out.field("kind", kFailures[response.failure == Failure::kGone]);
  }
  std::string text = std::move(out.end_object()).take();
  if (text.size() > limits::kRegistryFrameBytes)
    return encode(Response{response.id, fail("the answer is too long"), Failure::kUnreachable});
  return frame(text);
}

Result<Request> decode_request(std::string_view text) {
  auto raw = TRY(json::read<RawRequest>(TRY(json::parse(text))));
  Request request{.id = raw.id, .cached_only = raw.cached_only};
  request.reference = TRY_IN("reference", images::parse_reference(raw.reference));
  return request;
}

Result<Response> decode_response(std::string_view text) {
  auto raw = TRY(json::read<RawResponse>(TRY(json::parse(text))));
  Response response{.id = raw.id,
                    .served = fail(std::move(raw.error)),
                    .failure = raw.kind == kFailures[1] ? Failure::kGone : Failure::kUnreachable};
  if (raw.served) response.served = std::move(*raw.served);
  return response;
}

Result<std::optional<std::string>> FrameReader::take() {
  if (buffer_.size() < kLengthBytes) return std::nullopt;
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    size = size << 8 | static_cast<unsigned char>(buffer_[i]);
  if (size > limit_)
    return fail(cat("a frame of ", size, " bytes, more than the limit of ", limit_));
  if (buffer_.size() - kLengthBytes < size) return std::nullopt;
  std::string text = buffer_.substr(kLengthBytes, size);
  buffer_.erase(0, kLengthBytes + size);
  return text;
}

}  // namespace bulkhead::registry
