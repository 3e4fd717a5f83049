#include "registry/desk.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"

namespace bulkhead::registry {
namespace {

constexpr std::int64_t kRetrySeconds = 10;

}  // namespace

std::optional<Served> Desk::counting(const images::Reference& reference, std::int64_t now) const {
  auto served = cache_.find(reference);
  if (!served || !reference.digest.empty()) return served;
  auto age = age_of(*served, now);
  return age && *age <= settings_.max_age_seconds ? served : std::nullopt;
}

std::optional<Resolution> Desk::at_hand(const Request& request, std::int64_t now) {
  std::string name = request.reference.text();
  if (auto pin = pins_.find(name); pin != pins_.end()) return Resolution{pin->second};
  auto served = counting(request.reference, now);
  if (served) {
    auto age = age_of(*served, now);
    bool is_fresh = !request.reference.digest.empty() || (age && *age < settings_.refresh_seconds);
    if (is_fresh || request.cached_only) return Resolution{*std::move(served)};
  }
  if (request.cached_only) return Resolution{fail(cat(name, ": not known yet"))};
  if (auto failed = failed_.find(name); failed != failed_.end()) {
    std::int64_t age = now - failed->second.at;
    if (age >= 0 && age < kRetrySeconds)
      return without_answer(request.reference, failed->second.message, now);
    failed_.erase(failed);
  }
  return std::nullopt;
}

Resolution Desk::after_asking(const images::Reference& reference, Resolution fresh,
                              std::int64_t now) {
  std::string name = reference.text();
  failed_.erase(name);
  if (fresh.served) {
    fresh.served->verified_at = now;
    if (auto stored = cache_.store(*fresh.served); !stored)
      log::warn(cat("cache: ", stored.error().message));  // costs time later, not safety
    return fresh;
  }
  if (fresh.failure == Failure::kGone) {
    cache_.forget(reference);
    return fresh;
  }
  if (failed_.size() >= limits::kRegistryCacheEntries) failed_.clear();
  const auto& message = failed_.insert_or_assign(name, Failed{now, fresh.served.error().message})
                            .first->second.message;
  return without_answer(reference, message, now);
}

Resolution Desk::without_answer(const images::Reference& reference, std::string message,
                                std::int64_t now) const {
  if (auto served = counting(reference, now)) return {*std::move(served)};
  auto old = cache_.find(reference);
  auto age = old ? age_of(*old, now) : std::nullopt;
  if (age)
    message +=
        cat("; the last answer is ", *age, " seconds old, bulkhead.registry.maxAgeSeconds allows ",
            settings_.max_age_seconds);
  return {fail(std::move(message))};
}

}  // namespace bulkhead::registry
