// May this image have the Docker socket? (imageList of the settings; SPEC G3, G4.) What decides is
// never a name, a tag or RepoDigests: names can be given to any image and RepoDigests come with
// `docker load`. It is the image's id, which the engine computes from content: the digest of the
// configuration in the classic image store, of the manifest or index in containerd's. The registry
// says which ids the listed name stands for (registry/protocol.h).
//
// The guard, for a container that gets a socket, at create and again at start:
//
//   LocalImage image = <GET /images/NAME/json>;      // then pin the container to image.id
//   for (const Question& q : list.questions(image)) answers.push_back({q, <ask
//   bulkhead-registry>}); Verdict verdict = list.judge("docker:cli", image, answers,
//   settings_file); if (!verdict.allowed && list.allows_derived() && !image.layers.empty())
//     for (const LocalImage& summary : <GET /images/json>)
//       if (list.may_be_parent(summary, image)) {
//         LocalImage parent = <GET /images/ID/json>;
//         if (!is_base_of(parent, image)) continue;
//         <questions, answers, judge for parent>; if allowed: verdict = as_derived(that); break;
//       }
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/reference.h"

namespace bulkhead::images {

// What the engine says of an image: /images/{name}/json, or an element of /images/json (which has
// no layers).
struct LocalImage {
  std::string id;                         // "sha256:..."
  std::vector<std::string> repo_tags;     // "docker:cli"
  std::vector<std::string> repo_digests;  // "docker@sha256:...": where to ask, proof of nothing
  std::vector<std::string> layers;        // RootFS.Layers: diff ids, the base's first
};

// What to ask the registry process about an image.
struct Question {
  Reference reference;
  // The image does not claim this name: only an answer that is there already counts (the image may
  // be an allowed one under another name), not worth a connection.
  bool cached_only = false;
};

struct Answer {
  Question question;
  Result<std::vector<std::string>> ids;  // every id that an engine may show for what was served:
                                         // index, manifests, configurations. Or why there is none.
};

struct Verdict {
  enum class Reason {
    kAny,
    kVerified,
    kDerived,
    kNotListed,
    kOtherContent,
    kNotVerified,
    kLocalOnly
  };
  bool allowed = false;
  Reason reason = Reason::kNotListed;
  std::string pattern;  // the entry of the list that decided, when allowed
  Reference verified;   // what the image was verified as, its parent when derived; empty for "*"
  std::string message;  // the whole text for the client, when refused
};

class ImageList {
 public:
  ImageList() = default;  // nobody

  // Errors: "images[2]: "a b": ..." for an entry that is no pattern.
  static Result<ImageList> make(std::span<const std::string> patterns, bool allow_derived);

  bool allows_derived() const { return allow_derived_; }
  const std::vector<Pattern>& patterns() const { return patterns_; }

  // What to ask the registry about `image`, those that its names claim first. Empty: judge() needs
  // no answers ("*" alone, an empty list, an id that is itself listed).
  std::vector<Question> questions(const LocalImage& image) const;

  // The references that can be asked about before any image is seen, to have the answers at hand.
  std::vector<Reference> exact_references() const;

  // `requested` is the image as the client named it, `settings_file` for the way out in messages.
  // Answers to anything that is not listed are ignored.
  Verdict judge(std::string_view requested, const LocalImage& image,
                std::span<const Answer> answers, std::string_view settings_file) const;

  // Whether a local image is worth a look as the parent of `image`: it has the name of a listed
  // one.
  bool may_be_parent(const LocalImage& summary, const LocalImage& image) const;

 private:
  const Pattern* listing(const Reference& reference) const;
  std::vector<Pattern> patterns_;
  bool allow_derived_ = false;
};

// Whether `image` was built on `parent`: all of the parent's layers come first in it. An image
// without layers ("scratch") is nobody's parent.
bool is_base_of(const LocalImage& parent, const LocalImage& image);

// The verdict for an image from the (allowing) one for its parent.
Verdict as_derived(Verdict parent);

}  // namespace bulkhead::images
