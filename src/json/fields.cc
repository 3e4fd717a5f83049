#include "json/fields.h"

#include <algorithm>

#include "base/strings.h"
#include "json/write.h"

namespace bulkhead::json {
namespace {

constexpr std::size_t kShownBytes = 80;  // of a key or value in a message

std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return quote(text);
  return quote(std::string(text.substr(0, kShownBytes)).append("..."));
}

bool is_identifier(std::string_view key) {
  return !key.empty() && key.size() <= kShownBytes && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64: return "a number";
    case boost::json::kind::double_: return "a number with fraction or exponent";
    case boost::json::kind::string: return "a string";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
  }
  return "something else";
}

std::unexpected<Error> out_of_range(const Path& path, const Value& value, std::int64_t min,
                                    std::uint64_t max) {
  std::string found = value.is_uint64() ? std::to_string(value.get_uint64())
                                        : std::to_string(value.get_int64());
  return fail_at(path, cat(found, " is out of range (", min, " to ", max, ")"));
}

constexpr std::size_t kNoEntry = SIZE_MAX;

// The index of `key`, or kNoEntry where unknown keys are ignored.
Result<std::size_t> find_entry(std::span<const Entry> entries, Unknown unknown,
                               std::string_view key, const Path& path) {
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].key == key) return i;
  for (const auto& entry : entries)
    if (folds_to(key, entry.key)) return fail_at(path, cat("must be written \"", entry.key, "\""));
  if (unknown == Unknown::kRefuse) return fail_at(path, "unknown key");
  return kNoEntry;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string Path::text() const {
  std::string out = parent_ ? parent_->text() : std::string();
  if (is_index_) return out.append("[").append(std::to_string(index_)).append("]");
  if (!parent_) return out.append(key_);
  if (!is_identifier(key_)) return out.append("[").append(shown(key_)).append("]");
  return out.append(out.empty() ? "" : ".").append(key_);
}

std::unexpected<Error> fail_at(const Path& path, std::string_view reason) {
  std::string where = path.text();
  return fail(where.empty() ? std::string(reason) : cat(where, ": ", reason));
}

std::unexpected<Error> expected(const Path& path, std::string_view what, const Value& found) {
  return fail_at(path, cat("expected ", what, ", found ", kind_name(found)));
}

std::unexpected<Error> not_one_of(const Path& path, std::string_view found,
                                  std::span<const std::string_view> names) {
  std::string list;
  for (auto name : names) list.append(list.empty() ? "" : ", ").append(name);
  return fail_at(path, cat(shown(found), " is not one of ", list));
}

bool folds_to(std::string_view key, std::string_view name) {
  constexpr std::string_view kLongS = "\xc5\xbf", kKelvin = "\xe2\x84\xaa";
  for (char c : name) {
    std::size_t length = 1;
    if (lower(c) == 's' && key.starts_with(kLongS))
      length = kLongS.size();
    else if (lower(c) == 'k' && key.starts_with(kKelvin))
      length = kKelvin.size();
    else if (key.empty() || lower(key.front()) != lower(c))
      return false;
    key.remove_prefix(length);
  }
  return key.empty();
}

Result<> read_value(bool& out, const Value& value, const Path& path) {
  const bool* flag = value.if_bool();
  if (!flag) return expected(path, "a boolean", value);
  out = *flag;
  return {};
}

Result<> read_value(std::string& out, const Value& value, const Path& path) {
  const auto* text = value.if_string();
  if (!text) return expected(path, "a string", value);
  out.assign(text->data(), text->size());
  return {};
}

Result<std::int64_t> read_signed(const Value& value, const Path& path, std::int64_t min,
                                 std::int64_t max) {
  if (value.is_uint64()) return out_of_range(path, value, min, max);
  if (!value.is_int64()) return expected(path, "an integer", value);
  auto number = value.get_int64();
  if (number < min || number > max) return out_of_range(path, value, min, max);
  return number;
}

Result<std::uint64_t> read_unsigned(const Value& value, const Path& path, std::uint64_t max) {
  if (!value.is_int64() && !value.is_uint64()) return expected(path, "an integer", value);
  if (value.is_int64() && value.get_int64() < 0) return out_of_range(path, value, 0, max);
  auto number = value.is_uint64() ? value.get_uint64()
                                  : static_cast<std::uint64_t>(value.get_int64());
  if (number > max) return out_of_range(path, value, 0, max);
  return number;
}

Result<> read_one_of(std::string& out, const Value& value, const Path& path,
                     std::span<const std::string_view> names) {
  TRY(read_value(out, value, path));
  if (std::ranges::find(names, out) != names.end()) return {};
  return not_one_of(path, out, names);
}

Result<> read_members(void* object, const Value& value, const Path& path,
                      std::span<const Entry> entries, Unknown unknown) {
  std::uint64_t seen = 0;
  for (const auto& member : *TRY(object_in(value, path))) {
    std::string_view key(member.key().data(), member.key().size());
    Path here(path, key);
    std::size_t index = TRY(find_entry(entries, unknown, key, here));
    if (index == kNoEntry || member.value().is_null()) continue;
    TRY(entries[index].read(object, member.value(), here));
    seen |= std::uint64_t{1} << index;
  }
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].presence == kRequired && !(seen >> i & 1))
      return fail_at(Path(path, entries[i].key), "is missing");
  return {};
}

Result<const Array*> array_in(const Value& value, const Path& path, std::size_t max_items) {
  const Array* array = value.if_array();
  if (!array) return expected(path, "an array", value);
  if (array->size() > max_items)
    return fail_at(path, cat(array->size(), " elements, more than the limit of ", max_items));
  return array;
}

Result<const Object*> object_in(const Value& value, const Path& path, std::size_t max_items) {
  const Object* object = value.if_object();
  if (!object) return expected(path, "an object", value);
  if (object->size() > max_items)
    return fail_at(path, cat(object->size(), " keys, more than the limit of ", max_items));
  return object;
}

}  // namespace bulkhead::json
