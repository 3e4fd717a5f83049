#include "policy/live.h"

#include "base/strings.h"

namespace bulkhead::policy {

Result<LivePolicy> LivePolicy::start(std::string file_name,
                                     const std::optional<std::string>& text) {
  LivePolicy live;
  Policy policy = text ? TRY(read_policy(*text, file_name)) : default_policy();
  live.policy_ = std::make_shared<const Policy>(std::move(policy));
  live.file_name_ = std::move(file_name);
  live.text_ = text;
  return live;
}

Result<bool> LivePolicy::reload(const std::optional<std::string>& text) {
  if (text == text_) {
    problem_.clear();
    return false;
  }
  Result<Policy> policy = fail(cat(file_name_, ": is gone"));
  if (text) policy = read_policy(*text, file_name_);
  if (!policy) {
    problem_ = cat(policy.error().message,
                   "; the policy from before stays in force until the file is good again");
    return fail(problem_);
  }
  policy_ = std::make_shared<const Policy>(*std::move(policy));
  text_ = text;
  problem_.clear();
  ++generation_;
  return true;
}

}  // namespace bulkhead::policy
