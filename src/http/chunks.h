// Bodies as they come in pieces: length-counted, chunked (decoded by Beast) and until the end of
// the connection. Works on bytes in memory, does no I/O.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace bulkhead::http {

using Pieces = std::vector<std::string_view>;

class BodyReader {
 public:
  explicit BodyReader(Body body);
  BodyReader(BodyReader&&) noexcept;
  BodyReader& operator=(BodyReader&&) noexcept;
  ~BodyReader();

  // Takes what belongs to the body from the front of `input` and appends views of the payload in it. Returns
  // how many bytes were used; the rest is the next message's, or (not done) the start of a chunk header to be
  // offered again with more behind it. Errors: malformed chunks, chunk extensions and trailers, which nobody
  // in Docker's world sends.
  Result<std::size_t> take(std::string_view input, Pieces& payload);

  // The sender's end of stream. Errors: the body is not complete.
  Result<> finish();

  bool done() const;
  // Payload bytes still to come, where that is known: kLength.
  std::uint64_t left() const { return left_; }
  // Tells that `size` of those were moved past this reader.
  void skip(std::uint64_t size) { left_ -= size; }

 private:
  class Chunks;
  Body body_;
  std::uint64_t left_ = 0;
  bool ended_ = false;
  std::unique_ptr<Chunks> chunks_;
};

// The header of a chunk of `size` bytes: the payload and kChunkEnd follow. Never of 0 bytes.
std::string chunk_header(std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace bulkhead::http
