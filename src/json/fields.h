// Reading JSON objects by tables: one table per object, one line per key: name, reader, whether it
// must be there. The C++ type of the member says which JSON type is expected, so that most lines
// are  {"cwd", field<&Process::cwd>, kRequired}.
//
//   Table<Root> fields_of(std::type_identity<Root>) {
//     static constexpr auto kFields = fields<Root>({
//         {"path", field<&Root::path>, kRequired},
//         {"readonly", field<&Root::readonly>},
//     });
//     return {kFields};
//   }
//   Result<Root> root = read<Root>(value, Path("root"));
//
// fields_of() is found by the namespace of the type. null stands for "absent" in an object (Go
// writes nil slices and pointers so) and is an error elsewhere. A key that differs from a known one
// only in Go's case folding is an error: Go would read it, we would not. Errors carry the path:
// "process.cwd: expected a string, found a number".
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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

// ---- tables --------------------------------------------------------------------------------
// Lines are typed by their object (Field<T>) where they are written and erased for the one loop
// that walks them: thirty tables would otherwise be thirty loops in a binary that is to be small.

using ErasedRead = Result<> (*)(void* object, const Value& value, const Path& path);

template <typename T>
struct Reader {
  ErasedRead erased;
};

template <typename T>
struct Field {
  std::string_view key;
  Reader<T> reader;
  Presence presence = kOptional;
};

struct Entry {
  std::string_view key;
  ErasedRead read;
  Presence presence;
};

template <typename T, std::size_t N>
struct Fields {
  std::array<Entry, N> entries;
};

template <typename T, std::size_t N>
consteval Fields<T, N> fields(const Field<T> (&lines)[N]) {
  static_assert(N <= 64);  // read_members() keeps a bit for each
  Fields<T, N> out{};
  for (std::size_t i = 0; i < N; ++i)
    out.entries[i] = {lines[i].key, lines[i].reader.erased, lines[i].presence};
  return out;
}

template <typename T>
struct Table {
  using Check = Result<> (*)(T& out, const Path& path);  // the whole object, after its fields

  template <std::size_t N>
  Table(const Fields<T, N>& fields, Unknown unknown_keys = Unknown::kIgnore,
        Check check_object = nullptr)
      : entries(fields.entries), unknown(unknown_keys), check(check_object) {}
  template <std::size_t N>
  Table(const Fields<T, N>& fields, Check check_object)
      : Table(fields, Unknown::kIgnore, check_object) {}

  std::span<const Entry> entries;
  Unknown unknown;
  Check check;
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

// A string out of `names`.
Result<> read_one_of(std::string& out, const Value& value, const Path& path,
                     std::span<const std::string_view> names);

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
  out.resize(array->size());
  for (std::size_t i = 0; i < out.size(); ++i)
    TRY(read_value(out[i], (*array)[i], Path(path, i)));
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

// Reads every member of the object in `value` by its entry; `object` is what they belong to.
Result<> read_members(void* object, const Value& value, const Path& path,
                      std::span<const Entry> entries, Unknown unknown);

template <HasTable T>
Result<> read_value(T& out, const Value& value, const Path& path) {
  auto table = fields_of(std::type_identity<T>());
  auto result = read_members(&out, value, path, table.entries, table.unknown);
  return result && table.check ? table.check(out, path) : std::move(result);
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
template <typename T>
T owner_of(Result<> (*)(T&, const Value&, const Path&));
template <auto What>
using Owner = decltype(owner_of(What));
}  // namespace detail

// A table entry's reader that is a function of its own: Result<> f(T&, const Value&, const Path&).
template <auto Function>
inline constexpr Reader<detail::Owner<Function>> custom{
    [](void* object, const Value& value, const Path& path) -> Result<> {
      return Function(*static_cast<detail::Owner<Function>*>(object), value, path);
    }};

// The reader of a member: by its type, or by the callable `Read`.
template <auto Member, auto Read = ByType{}>
inline constexpr Reader<detail::Owner<Member>> field{
    [](void* object, const Value& value, const Path& path) -> Result<> {
      return Read(static_cast<detail::Owner<Member>*>(object)->*Member, value, path);
    }};

// A string that must be one of `Names` (a constexpr array of std::string_view).
template <const auto& Names>
struct OneOf {
  Result<> operator()(std::string& out, const Value& value, const Path& path) const {
    return read_one_of(out, value, path, Names);
  }
};
template <auto Member, const auto& Names>
inline constexpr auto one_of = field<Member, OneOf<Names>{}>;

}  // namespace bulkhead::json
