// JSON out, in the order in which it is written: state files, `state`, `events`, `features`,
// `list --format json`, `spec`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bulkhead::json {

// `text` between quotes with JSON's escapes. Bytes that are not valid UTF-8 become U+FFFD, as Go
// writes them, so that whatever we write can be read again; a caller that must get the same bytes
// back refuses such strings before.
std::string quote(std::string_view text);

// A document, written front to back:
//   Writer json(Writer::Style::kPretty);
//   json.begin_object().field("id", id).key("pids").begin_array();
//   for (pid_t pid : pids) json.value(pid);
//   std::move(json.end_array().end_object()).take();
// Commas, colons and indents (two blanks per level, as Go's MarshalIndent) are the writer's.
// begin and end must match and an object's values each follow a key(): the caller's code alone
// decides that, so it is not checked.
class Writer {
 public:
  enum class Style { kCompact, kPretty };

  explicit Writer(Style style = Style::kCompact) : style_(style) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }

  Writer& key(std::string_view name);

  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(bool flag) { return raw(flag ? "true" : "false"); }
  template <std::integral Int>
  Writer& value(Int number) {
    if constexpr (std::is_signed_v<Int>) return number_value(static_cast<std::int64_t>(number));
    return number_value(static_cast<std::uint64_t>(number));
  }
  Writer& value(char) = delete;  // a number or a string?
  Writer& null() { return raw("null"); }

  // Vectors, arrays and spans of what value() takes.
  template <std::ranges::input_range Range>
    requires(!std::convertible_to<Range, std::string_view>)
  Writer& value(const Range& items) {
    begin_array();
    for (const auto& item : items) value(item);
    return end_array();
  }
  // Maps from strings to what value() takes.
  template <typename T, typename Less>
  Writer& value(const std::map<std::string, T, Less>& members) {
    begin_object();
    for (const auto& [name, content] : members) field(name, content);
    return end_object();
  }

  template <typename T>
  Writer& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  // The finished document, without a trailing newline.
  std::string take() && { return std::move(out_); }

 private:
  Writer& open(char bracket);
  Writer& close(char bracket);
  Writer& raw(std::string_view token);
  Writer& number_value(std::int64_t number);
  Writer& number_value(std::uint64_t number);
  void begin_item();
  void new_line();

  std::string out_;
  Style style_;
  std::size_t depth_ = 0;
  bool is_first_ = true;    // nothing yet in the innermost object or array
  bool after_key_ = false;
};

}  // namespace bulkhead::json
