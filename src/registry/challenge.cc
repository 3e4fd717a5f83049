#include "registry/challenge.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/strings.h"
#include "json/fields.h"

namespace bulkhead::registry {
namespace {

constexpr std::size_t kMaxChallenges = 8;

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct RawChallenge {
  std::string scheme;
  std::map<std::string, std::string, std::less<>> parameters;
};

// Takes the header apart from the left; every function moves `rest_` on.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // "Bearer realm="...",service="...", Basic realm=...": a word followed by '=' is a parameter, one
  // that is not begins a challenge. Stops at what is neither.
  std::vector<RawChallenge> read() {
    std::vector<RawChallenge> out;
    while (true) {
      skip(" \t,");
      std::string word = lower(take_word());
      if (word.empty() || (out.size() == kMaxChallenges && !is_at('='))) return out;
      skip(" \t");
      if (!is_at('=') || out.empty()) {
        out.push_back({word, {}});
        continue;
      }
      rest_.remove_prefix(1);
      skip(" \t");
      auto value = take_value();
      if (!value) return out;
      out.back().parameters.emplace(std::move(word), *std::move(value));
    }
  }

 private:
  bool is_at(char c) const { return !rest_.empty() && rest_.front() == c; }
  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  std::string_view take_word() {
    auto end = std::ranges::find_if_not(rest_, is_token_character);
    auto word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(word.size());
    return word;
  }
  std::optional<std::string> take_value() {
    if (!is_at('"')) return std::string(take_word());
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      out += rest_[i];
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

struct Token {
  std::string token, access_token;
};

json::Table<Token> fields_of(std::type_identity<Token>) {
  static constexpr auto kFields = json::fields<Token>({
      {"token", json::field<&Token::token>},
      {"access_token", json::field<&Token::access_token>},
  });
  return {kFields};
}

}  // namespace

std::optional<Challenge> parse_challenge(std::string_view header) {
  auto challenges = Reader(header).read();
  auto find = [&](std::string_view scheme) {
    return std::ranges::find(challenges, scheme, &RawChallenge::scheme);
  };
  if (auto bearer = find("bearer");
      bearer != challenges.end() && bearer->parameters.contains("realm")) {
    auto& parameters = bearer->parameters;
    return Challenge{Challenge::Scheme::kBearer, parameters["realm"], parameters["service"],
                     parameters["scope"]};
  }
  if (find("basic") != challenges.end()) return Challenge{};
  return std::nullopt;
}

Result<std::string> parse_token(std::string_view text) {
  auto token = TRY(json::read<Token>(TRY(json::parse(text))));
  std::string out = token.token.empty() ? token.access_token : token.token;
  if (out.empty()) return fail("no token in the answer");
  if (!std::ranges::all_of(out, [](char c) { return c > ' ' && c < 0x7f; }))
    return fail("the token has characters that belong in none");
  return out;
}

}  // namespace bulkhead::registry
