// The one adapter over Boost.JSON's parser. Boost throws (memory, sizes): nothing leaves this file.
#include "json/read.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <vector>

#include "base/limits.h"
#include "base/strings.h"
#include "json/write.h"

namespace bulkhead::json {
namespace {

using boost::json::error_code;
using Text = boost::json::string_view;

// Builds the value and remembers the keys of the objects that are still open, so that duplicates
// are seen before Boost's object silently keeps one of them.
class StrictHandler {
 public:
  static constexpr std::size_t max_object_size = Object::max_size();
  static constexpr std::size_t max_array_size = Array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  StrictHandler(std::string_view text, boost::json::storage_ptr storage)
      : text_(text), stack_(storage, buffer_, sizeof buffer_) {
    stack_.reset(std::move(storage));
  }

  Value release() { return stack_.release(); }

  // The reason when the handler itself refused; empty for Boost's own errors.
  const std::string& reason() const { return reason_; }
  std::size_t reason_offset() const { return reason_offset_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }
  bool on_number_part(Text, error_code&) { return true; }

  bool on_object_end(std::size_t size, error_code& error) {
    if (!check_keys(size, error)) return false;
    stack_.push_object(size);
    return true;
  }
  bool on_array_end(std::size_t size, error_code&) {
    stack_.push_array(size);
    return true;
  }
  bool on_key_part(Text part, std::size_t, error_code& error) {
    key_bytes_.append(part.data(), part.size());
    stack_.push_chars(part);
    return check_string(part, error);
  }
  bool on_key(Text part, std::size_t size, error_code& error) {
    key_bytes_.append(part.data(), part.size());
    keys_.push_back({key_bytes_.size() - size, size, offset_of(part)});
    stack_.push_key(part);
    return check_string(part, error);
  }
  bool on_string_part(Text part, std::size_t, error_code& error) {
    stack_.push_chars(part);
    return check_string(part, error);
  }
  bool on_string(Text part, std::size_t, error_code& error) {
    stack_.push_string(part);
    return check_string(part, error);
  }
  bool on_int64(std::int64_t number, Text, error_code&) {
    stack_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, Text, error_code&) {
    stack_.push_uint64(number);
    return true;
  }
  bool on_double(double number, Text digits, error_code& error) {
    // Boost falls back to a double, silently inexact, where an integer has more than 64 bits.
    if (digits.find_first_of(".eE") == Text::npos)
      return refuse("integer does not fit 64 bits", offset_of(digits), error);
    if (!std::isfinite(number)) return refuse("number is too large", offset_of(digits), error);
    stack_.push_double(number);
    return true;
  }
  bool on_bool(bool value, error_code&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }

 private:
  struct Key {
    std::size_t begin, size;  // in key_bytes_
    std::size_t offset;       // in the text, for messages
  };

  std::string_view bytes(const Key& key) const {
    return std::string_view(key_bytes_).substr(key.begin, key.size);
  }

  // Where `part` stands in the text. Parts that held escapes are in a buffer of the parser: then
  // the last place known.
  std::size_t offset_of(Text part) {
    auto at = reinterpret_cast<std::uintptr_t>(part.data());
    auto begin = reinterpret_cast<std::uintptr_t>(text_.data());
    if (at >= begin && at <= begin + text_.size()) last_offset_ = at - begin;
    return last_offset_;
  }

  bool refuse(std::string reason, std::size_t offset, error_code& error) {
    reason_ = std::move(reason);
    reason_offset_ = offset;
    error = boost::json::error::syntax;
    return false;
  }

  // Raw control bytes are refused by the parser, \u0000 comes through it.
  bool check_string(Text part, error_code& error) {
    if (part.find('\0') == Text::npos) return true;
    return refuse("NUL character in a string", offset_of(part), error);
  }

  // The last `size` keys are those of the object that ends here.
  bool check_keys(std::size_t size, error_code& error) {
    auto first = keys_.end() - static_cast<std::ptrdiff_t>(size);
    auto bytes_before = size > 0 ? first->begin : key_bytes_.size();
    auto same = size <= kFewKeys ? find_same_of_few(first) : find_same_of_many(first);
    if (same != keys_.end())
      return refuse(cat("duplicate key ", quote(bytes(*same).substr(0, 80))), same->offset, error);
    key_bytes_.resize(bytes_before);
    keys_.erase(first, keys_.end());
    return true;
  }

  using KeyIterator = std::vector<Key>::iterator;

  KeyIterator find_same_of_few(KeyIterator first) {
    for (auto key = first; key != keys_.end(); ++key)
      for (auto before = first; before != key; ++before)
        if (bytes(*before) == bytes(*key)) return key;
    return keys_.end();
  }

  KeyIterator find_same_of_many(KeyIterator first) {
    std::sort(first, keys_.end(), [this](const Key& a, const Key& b) {
      auto order = bytes(a).compare(bytes(b));
      return order < 0 || (order == 0 && a.begin < b.begin);
    });
    auto same = std::adjacent_find(first, keys_.end(), [this](const Key& a, const Key& b) {
      return bytes(a) == bytes(b);
    });
    return same == keys_.end() ? same : same + 1;
  }

  static constexpr std::size_t kFewKeys = 16;  // up to here comparing all pairs is the fastest

  std::string_view text_;
  unsigned char buffer_[4096];
  boost::json::value_stack stack_;
  std::string key_bytes_;
  std::vector<Key> keys_;
  std::size_t last_offset_ = 0;
  std::string reason_;
  std::size_t reason_offset_ = 0;
};

std::unexpected<Error> fail_at(std::string_view text, std::size_t offset, std::string_view reason) {
  auto before = text.substr(0, std::min(offset, text.size()));
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return fail(cat("line ", line, ", column ", column, ": ", reason));
}

constexpr std::string_view kBlanks = " \t\r\n";

Result<Value> parse_or_throw(std::string_view text) {
  if (text.find_first_not_of(kBlanks) == text.npos) return fail("empty: expected a JSON document");
  auto storage = boost::json::make_shared_resource<boost::json::monotonic_resource>(
      std::max<std::size_t>(text.size() * 2, 1024));
  boost::json::parse_options options;
  options.max_depth = limits::kJsonDepth;
  boost::json::basic_parser<StrictHandler> parser(options, text, std::move(storage));
  error_code error;
  auto used = parser.write_some(false, text.data(), text.size(), error);
  const auto& handler = parser.handler();
  if (!handler.reason().empty()) return fail_at(text, handler.reason_offset(), handler.reason());
  if (error == boost::json::error::incomplete)
    return fail_at(text, used, "the text ends too early");
  if (error == boost::json::error::too_deep)
    return fail_at(text, used, cat("nested deeper than ", limits::kJsonDepth, " levels"));
  if (error) return fail_at(text, used, error.message());
  auto rest = text.find_first_not_of(kBlanks, used);
  if (rest != text.npos) return fail_at(text, rest, "data after the JSON document");
  return parser.handler().release();
}

}  // namespace

Result<Value> parse(std::string_view text) {
  try {
    return parse_or_throw(text);
  } catch (const std::exception& exception) {
    return fail(cat("JSON: ", exception.what()));
  }
}

}  // namespace bulkhead::json
