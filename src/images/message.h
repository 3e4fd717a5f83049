// What the client reads when an image may not have the socket. The core of the text is Docker
// Desktop's, which people's scripts look for; what follows "if you wish to allow it" is ours and
// true for the case: which key of which file, and the exact words to put there.
#pragma once

#include <string_view>

#include "images/verdict.h"

namespace bulkhead::images {

// The key of the image list within the settings file.
inline constexpr std::string_view kImageListKey =
    "enhancedContainerIsolation.dockerSocketMount.imageList.images";
inline constexpr std::string_view kAllowDerivedKey =
    "enhancedContainerIsolation.dockerSocketMount.imageList.allowDerivedImages";

struct Refusal {
  std::string_view requested;
  const LocalImage& image;
  std::string_view settings_file;
  bool list_is_empty = false;
  bool allow_derived = false;
  const Answer* other_content = nullptr;  // the image has a listed name, the registry other content
  const Answer* not_verified = nullptr;   // it has a listed name, and the registry did not say
};

Verdict refuse(const Refusal& refusal);

}  // namespace bulkhead::images
