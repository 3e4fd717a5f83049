// What the guard and bulkhead-registry say to each other over the stream socket that the registry
// process inherits: frames of a 4-byte length (network order) and a JSON object. The guard asks,
// any number at a time; answers carry the question's id and come in any order. Every question is
// answered, an error included; a process that sends anything else is broken and hung up on.
//
//   {"id": 7, "reference": "docker.io/library/docker:cli", "cachedOnly": false}
//   {"id": 7, "served": {...}}                                            see served.h
//   {"id": 7, "error": "registry-1.docker.io: timed out", "kind": "unreachable"}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "registry/served.h"

namespace bulkhead::registry {

struct Request {
  std::uint64_t id = 0;
  images::Reference reference;
  bool cached_only = false;  // answer with what is at hand, ask nobody
};

// Why there is no answer: kGone is the registry's word that it does not serve the reference, so
// that an older answer does not count; kUnreachable that it could not be asked or did not answer
// well.
enum class Failure { kUnreachable, kGone };

struct Response {
  std::uint64_t id = 0;
  Result<Served> served;
  Failure failure = Failure::kUnreachable;  // of an error
};

// Frames, their length in front. A response that would be over the limit becomes an error response.
std::string encode(const Request& request);
std::string encode(const Response& response);

// The text of a frame, without its length. Errors: not a request (response) as above.
Result<Request> decode_request(std::string_view text);
Result<Response> decode_response(std::string_view text);

// Cuts frames out of a stream. Feed it what was received and take frames until there is none.
class FrameReader {
 public:
  explicit FrameReader(std::size_t limit) : limit_(limit) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next complete frame's text; nullopt: more bytes are needed. Errors: a frame over the limit
  // (the stream cannot be used any more).
  Result<std::optional<std::string>> take();

 private:
  std::string buffer_;
  std::size_t limit_;
};

}  // namespace bulkhead::registry
