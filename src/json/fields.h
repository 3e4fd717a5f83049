// Reading JSON objects by tables: one table per object, one line per key: name, reader, whether it
// must be there. The C++ type of the member says which JSON type is expected, so that most lines
// are  {"cwd", field<&Process::cwd>, kRequired}.
//
//   inline Table<Root> fields_of(std::type_identity<Root>) {
//     static constexpr Field<Root> kFields[] = {
//         {"path", field<&Root::path>, kRequired}, {"readonly", field<&Root::readonly>}};
//     return {kFields};
//   }
//   Result<Root> root = read<Root>(value, Path("root"));
//
// fields_of() is found by the namespace of the type. null stands for "absent" in an object (Go
// writes nil slices and pointers so) and is an error elsewhere. A key that differs from a known one
// only in Go's case folding is an error: Go would read it, we would not. Errors carry the path:
// "process.cwd: expected a string, found a number".
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/limits.h"
#include "json/read.h"

namespace bulkhead::json {

// Where a value stands in its document: a chain on the readers' stack that becomes text only in an
// error.
class Path {
 public:
  explicit Path(std::string_view root = {}) : key_(root) {}
  Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
  Path(const Path& parent, std::size_t index) : parent_(&parent), index_(index), is_index_(true) {}

  // "linux.seccomp.syscalls[3].action"; keys that are no identifiers as annotations["a b"].
  std::string text() const;

 private:
  const Path* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

// "PATH: REASON"; just the reason for the document itself.
std::unexpected<Error> fail_at(const Path& path, std::string_view reason);

// "PATH: expected WHAT, found a number".
std::unexpected<Error> expected(const Path& path, std::string_view what, const Value& found);

// "PATH: "FOUND" is not one of a, b, c".
std::unexpected<Error> not_one_of(const Path& path, std::string_view found,
                                  std::span<const std::string_view> names);

// Whether Go's encoding/json takes `key` for the ASCII field `name`: letters in either case, and
// U+017F and U+212A for s and k.
bool folds_to(std::string_view key, std::string_view name);

enum Presence : bool { kOptional, kRequired };
enum class Unknown { kIgnore, kRefuse };  // keys that the table does not know

template <typename T>
struct Field {
  std::string_view key;
  Result<> (*read)(T& out, const Value& value, const Path& path);
  Presence presence = kOptional;
};

template <typename T>
struct Table {
  std::span<const Field<T>> fields;  // at most 64
  Unknown unknown = Unknown::kIgnore;
  Result<> (*check)(T& out, const Path& path) = nullptr;  // the whole object, after its fields
};

template <typename T>
concept HasTable = requires { fields_of(std::type_identity<T>()); };

// ---- readers by type -----------------------------------------------------------------------

Result<> read_value(bool& out, const Value& value, const Path& path);
Result<> read_value(std::string& out, const Value& value, const Path& path);

// The integer in `value`, between the bounds.
Result<std::int64_t> read_signed(const Value& value, const Path& path, std::int64_t min,
                                 std::int64_t max);
Result<std::uint64_t> read_unsigned(const Value& value, const Path& path, std::uint64_t max);

template <std::integral Int>
Result<> read_value(Int& out, const Value& value, const Path& path) {
  using Limits = std::numeric_limits<Int>;
  if constexpr (std::is_signed_v<Int>)
    out = static_cast<Int>(TRY(read_signed(value, path, Limits::min(), Limits::max())));
  else
    out = static_cast<Int>(TRY(read_unsigned(value, path, Limits::max())));
  return {};
}

// The array or object in `value`, of at most `max_items`.
Result<const Array*> array_in(const Value& value, const Path& path,
                              std::size_t max_items = limits::kJsonItems);
Result<const Object*> object_in(const Value& value, const Path& path,
                                std::size_t max_items = limits::kJsonItems);

template <typename T>
Result<> read_value(std::optional<T>& out, const Value& value, const Path& path) {
  return read_value(out.emplace(), value, path);
}

template <typename T>
Result<> read_value(std::vector<T>& out, const Value& value, const Path& path) {
  const Array* array = TRY(array_in(value, path));
  out.reserve(array->size());
  for (const Value& item : *array)
    TRY(read_value(out.emplace_back(), item, Path(path, out.size() - 1)));
  return {};
}

// Maps whose keys are data.
template <typename T, typename Less>
Result<> read_value(std::map<std::string, T, Less>& out, const Value& value, const Path& path) {
  const Object* object = TRY(object_in(value, path));
  for (const auto& member : *object) {
    Path here(path, std::string_view(member.key().data(), member.key().size()));
    TRY(read_value(out[std::string(member.key())], member.value(), here));
  }
  return {};
}

// The index of `key` in the table, its size when it is unknown and may be; errors for case variants
// of known keys and for unknown keys where those are refused.
template <typename T>
Result<std::size_t> find_field(const Table<T>& table, std::string_view key, const Path& path);

template <typename T>
Result<> read_object(T& out, const Value& value, const Path& path, const Table<T>& table) {
  const Object* object = TRY(object_in(value, path));
  std::uint64_t seen = 0;
  for (const auto& member : *object) {
    std::string_view key(member.key().data(), member.key().size());
    Path here(path, key);
    std::size_t index = TRY(find_field(table, key, here));
    if (index == table.fields.size() || member.value().is_null()) continue;
    TRY(table.fields[index].read(out, member.value(), here));
    seen |= std::uint64_t{1} << index;
  }
  for (std::size_t i = 0; i < table.fields.size(); ++i)
    if (table.fields[i].presence == kRequired && !(seen >> i & 1))
      return fail_at(Path(path, table.fields[i].key), "is missing");
  return table.check ? table.check(out, path) : Result<>();
}

template <HasTable T>
Result<> read_value(T& out, const Value& value, const Path& path) {
  return read_object(out, value, path, fields_of(std::type_identity<T>()));
}

template <typename T>
Result<std::size_t> find_field(const Table<T>& table, std::string_view key, const Path& path) {
  for (std::size_t i = 0; i < table.fields.size(); ++i)
    if (table.fields[i].key == key) return i;
  for (const auto& field : table.fields)
    if (folds_to(key, field.key))
      return fail_at(path, std::string("must be written \"").append(field.key).append("\""));
  if (table.unknown == Unknown::kRefuse) return fail_at(path, "unknown key");
  return table.fields.size();
}

// One value as a T.
template <typename T>
Result<T> read(const Value& value, const Path& path = Path()) {
  T out;
  TRY(read_value(out, value, path));
  return out;
}

// ---- table entries -------------------------------------------------------------------------

struct ByType {
  template <typename T>
  Result<> operator()(T& out, const Value& value, const Path& path) const {
    return read_value(out, value, path);
  }
};

namespace detail {
template <typename Owner, typename Member>
Owner owner_of(Member Owner::*);
}  // namespace detail

// A table entry's reader for a member: by its type, or by the callable `Read`.
template <auto Member, auto Read = ByType{}>
Result<> field(decltype(detail::owner_of(Member))& out, const Value& value, const Path& path) {
  return Read(out.*Member, value, path);
}

// A string member that must be one of `Names` (a static constexpr array of std::string_view).
template <auto Member, const auto& Names>
Result<> one_of(decltype(detail::owner_of(Member))& out, const Value& value, const Path& path) {
  TRY(read_value(out.*Member, value, path));
  for (std::string_view name : Names)
    if (name == out.*Member) return {};
  return not_one_of(path, out.*Member, Names);
}

}  // namespace bulkhead::json
