#include "images/message.h"

#include <algorithm>

#include "base/strings.h"

namespace bulkhead::images {
namespace {

using Reason = Verdict::Reason;

// The reference under which people know the image: as they asked for it, or by its first tag when
// they asked by id.
Result<Reference> best_name(const Refusal& refusal) {
  auto requested = parse_reference(refusal.requested);
  bool is_id = refusal.image.id.starts_with(refusal.requested) ||
               refusal.image.id.find(refusal.requested) == std::string_view("sha256:").size();
  if (requested && !is_id) return requested;
  for (const auto* names : {&refusal.image.repo_tags, &refusal.image.repo_digests})
    for (const auto& name : *names)
      if (auto known = parse_reference(name)) return known;
  return fail("no name");
}

// The digest by which a registry serves the image, as the engine remembers it.
const std::string* digest_reference(const LocalImage& image) {
  return image.repo_digests.empty() ? nullptr : &image.repo_digests.front();
}

std::string add_to_list(const Refusal& refusal, std::string_view reference) {
  return cat("add \"", reference, "\" to ", kImageListKey, " in ", refusal.settings_file);
}

Reason reason_of(const Refusal& refusal) {
  if (refusal.other_content) return Reason::kOtherContent;
  if (refusal.not_verified) return Reason::kNotVerified;
  return digest_reference(refusal.image) ? Reason::kNotListed : Reason::kLocalOnly;
}

std::string way_out(const Refusal& refusal, Reason reason, const Result<Reference>& name) {
  switch (reason) {
    case Reason::kOtherContent: {
      const auto& listed = refusal.other_content->question.reference;
      return cat("get what the registry serves now with \"docker pull ", listed.familiar(),
                 "\": the name is listed, but the image here (", refusal.image.id,
                 ") is not what the registry serves for ", listed.text());
    }
    case Reason::kNotVerified:
      return cat(
          "let this host reach the registry, or pin the image's digests (bulkhead.registry.pinFile "
          "in ",
          refusal.settings_file, "): \"", refusal.not_verified->question.reference.text(),
          "\" is listed but could not be verified: ", refusal.not_verified->ids.error().message);
    case Reason::kLocalOnly:
      return cat("push the image to a registry, pull it from there and ",
                 add_to_list(refusal, name ? name->text() : "NAME:TAG"),
                 refusal.allow_derived
                     ? "; or list the image that it was built from there"
                     : cat("; or list the image that it was built from there and set ",
                           kAllowDerivedKey, " to true"),
                 " (this image exists on this host alone, no registry vouches for it)");
    default:
      return cat(add_to_list(refusal, name ? name->text() : *digest_reference(refusal.image)),
                 refusal.list_is_empty ? " (the allowed image list is empty)" : "");
  }
}

}  // namespace

Verdict refuse(const Refusal& refusal) {
  Reason reason = reason_of(refusal);
  auto name = best_name(refusal);
  Verdict verdict{.allowed = false, .reason = reason};
  verdict.message =
      cat("enhanced container isolation: docker socket mount denied for container with image \"",
          name ? name->repository() : std::string(refusal.requested),
          "\"; image is not in the allowed list; if you wish to allow it, ",
          way_out(refusal, reason, name));
  return verdict;
}

}  // namespace bulkhead::images
