#include "images/verdict.h"

#include <algorithm>

#include "base/strings.h"
#include "images/message.h"

namespace bulkhead::images {
namespace {

// The references by which the engine knows the image. What is none (hand-made or from an engine
// with other rules) cannot be asked about and is left out.
std::vector<Reference> names_of(const LocalImage& image) {
  std::vector<Reference> names;
  for (const auto* list : {&image.repo_tags, &image.repo_digests})
    for (const auto& text : *list)
      if (auto name = parse_reference(text)) names.push_back(*std::move(name));
  return names;
}

void ask(std::vector<Question>& questions, const Reference& reference, bool cached_only) {
  auto same = [&](const Question& question) { return question.reference == reference; };
  if (std::ranges::none_of(questions, same)) questions.push_back({reference, cached_only});
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

}  // namespace

Result<ImageList> ImageList::make(std::span<const std::string> patterns, bool allow_derived) {
  ImageList list;
  list.allow_derived_ = allow_derived;
  for (std::size_t i = 0; i < patterns.size(); ++i)
    list.patterns_.push_back(
        TRY_IN(cat("images[", i, "]: \"", patterns[i], "\""), Pattern::parse(patterns[i])));
  return list;
}

const Pattern* ImageList::listing(const Reference& reference) const {
  auto found = std::ranges::find_if(patterns_, [&](const Pattern& pattern) {
    return !pattern.is_any() && pattern.matches(reference);
  });
  return found == patterns_.end() ? nullptr : &*found;
}

std::vector<Question> ImageList::questions(const LocalImage& image) const {
  std::vector<Question> questions;
  auto names = names_of(image);
  for (const auto& name : names)
    if (listing(name)) ask(questions, name, false);
  auto is_claimed = [&](const Pattern& pattern) {
    return std::ranges::any_of(
        names, [&](const Reference& name) { return pattern.matches_repository(name); });
  };
  for (bool cached_only : {false, true})  // what is claimed first
    for (const auto& pattern : patterns_)
      if (pattern.is_exact() && is_claimed(pattern) != cached_only)
        ask(questions, pattern.reference(), cached_only);
  return questions;
}

std::vector<Reference> ImageList::exact_references() const {
  std::vector<Reference> references;
  for (const auto& pattern : patterns_)
    if (pattern.is_exact()) references.push_back(pattern.reference());
  return references;
}

Verdict ImageList::judge(std::string_view requested, const LocalImage& image,
                         std::span<const Answer> answers, std::string_view settings_file) const {
  using Reason = Verdict::Reason;
  if (is_digest(image.id)) {
    for (const auto& pattern : patterns_)
      if (pattern.has_digest() && pattern.reference().digest == image.id)
        return {true, Reason::kVerified, pattern.text(), pattern.reference(), {}};
    for (const auto& answer : answers) {
      const Pattern* pattern = listing(answer.question.reference);
      if (pattern && answer.ids && contains(*answer.ids, image.id))
        return {true, Reason::kVerified, pattern->text(), answer.question.reference, {}};
    }
  }
  for (const auto& pattern : patterns_)
    if (pattern.is_any()) return {true, Reason::kAny, pattern.text(), {}, {}};

  Refusal refusal{.requested = requested,
                  .image = image,
                  .settings_file = settings_file,
                  .list_is_empty = patterns_.empty(),
                  .allow_derived = allow_derived_};
  auto names = names_of(image);
  for (const auto& answer : answers) {
    const auto& asked = answer.question.reference;
    if (!listing(asked) || std::ranges::find(names, asked) == names.end()) continue;
    auto& failed = answer.ids ? refusal.other_content : refusal.not_verified;
    if (!failed) failed = &answer;
  }
  return refuse(refusal);
}

bool ImageList::may_be_parent(const LocalImage& summary, const LocalImage& image) const {
  if (summary.id == image.id) return false;
  auto names = names_of(summary);
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    return !pattern.is_any() && std::ranges::any_of(names, [&](const Reference& name) {
      return pattern.matches_repository(name);
    });
  });
}

bool is_base_of(const LocalImage& parent, const LocalImage& image) {
  return !parent.layers.empty() && parent.layers.size() <= image.layers.size() &&
         std::ranges::equal(parent.layers, std::span(image.layers).first(parent.layers.size())) &&
         std::ranges::all_of(parent.layers, is_digest);
}

Verdict as_derived(Verdict parent) {
  if (parent.allowed) parent.reason = Verdict::Reason::kDerived;
  return parent;
}

}  // namespace bulkhead::images
