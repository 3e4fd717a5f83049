// Image references as Docker reads and completes them (the grammar of distribution/reference), and
// the patterns of the settings' imageList. Pure text; nothing is looked up.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead::images {

// "docker:cli" is {"docker.io", "library/docker", "cli", ""}. At least one of tag and digest is
// set: a reference without either means the tag "latest", as everywhere in Docker.
struct Reference {
  std::string domain;  // "docker.io", "localhost:5000"
  std::string path;    // "library/docker"
  std::string tag;     // empty with a digest alone
  std::string digest;  // "sha256:<64 hex digits>" or empty; decides where both are given

  std::string repository() const;  // "docker.io/library/docker"
  std::string text() const;        // "docker.io/library/docker:cli", in full
  std::string familiar() const;    // "docker:cli", as `docker image ls` shows it
  bool operator==(const Reference&) const = default;
};

// Errors: "\"UPPER\": the repository must be lower case" and the like. No network names are made
// from anything but the ASCII grammar: there is no IDNA, no percent-encoding, no user info.
Result<Reference> parse_reference(std::string_view text);

// Whether `text` is "host" or "host:port": labels of letters, digits and inner hyphens, or an IPv6
// address in brackets. The registry of a reference is one.
bool is_host(std::string_view text);

// Whether `text` is "sha256:" and 64 lower case hexadecimal digits: an image id or a digest. Other
// algorithms are no digests here: nothing that we compare is named by them.
bool is_digest(std::string_view text);

// An entry of imageList.images:
//   docker            docker.io/library/docker:latest
//   docker:cli        that tag
//   docker:*          any tag; also part of one: docker:24*
//   docker@sha256:... that digest, of the index or of a platform's manifest
//   ci/*:*            "*" within a component stands for any characters of it; as the whole last
//                     component for one or more components: every repository below ci/
//   *                 any image at all, also one that no registry serves
// The registry is always named in full: "*" alone is the only entry that crosses registries.
class Pattern {
 public:
  // Errors name what is wrong with the entry, without the entry itself.
  static Result<Pattern> parse(std::string_view text);

  const std::string& text() const { return text_; }  // as written
  bool is_any() const { return any_; }
  bool has_digest() const { return !reference_.digest.empty(); }
  // Exactly one reference: no wildcard, so that a registry can be asked without an image at hand.
  bool is_exact() const;
  const Reference& reference() const { return reference_; }  // with its wildcards; empty for "*"

  // Whether the repository of `reference` is meant, whatever its tag or digest.
  bool matches_repository(const Reference& reference) const;
  // Whether `reference` is one that this entry lists. A reference by digest alone is, of an entry
  // with the tag "*": the digest being in that repository is for the registry to say.
  bool matches(const Reference& reference) const;

 private:
  std::string text_;
  Reference reference_;
  bool any_ = false;
};

}  // namespace bulkhead::images
