#include "guard/shape.h"

#include "base/strings.h"
#include "json/fields.h"

namespace bulkhead::guard {
namespace {

using json::Path;
using json::Value;
using Kind = Shape::Kind;

std::unexpected<Refusal> wrong(const Path& path, std::string_view what, const Value& found) {
  return malformed(json::expected(path, what, found).error().message);
}

constexpr std::size_t kMostDropped = 16;  // named; the audit log need not hold a client's whole fancy

struct Shaper {
  std::vector<std::string>& dropped;

  Verdict<Value> any(const Value& value, const Shape& shape, const Path& path) {
    switch (shape.kind) {
      case Kind::kBool: return value.is_bool() ? Verdict<Value>(value) : wrong(path, "a boolean", value);
      case Kind::kInteger:
        return value.is_int64() || value.is_uint64() ? Verdict<Value>(value)
                                                     : wrong(path, "an integer", value);
      case Kind::kString:
        return value.is_string() ? Verdict<Value>(value) : wrong(path, "a string", value);
      case Kind::kStringOrStrings:
        return value.is_string() ? Verdict<Value>(value) : list(value, kString, path);
      case Kind::kList: return list(value, *shape.item, path);
      case Kind::kMap: return map(value, *shape.item, path);
      case Kind::kObject: return object(value, shape, path);
      case Kind::kAny: return value;
    }
    return wrong(path, "something else", value);
  }

  Verdict<Value> list(const Value& value, const Shape& item, const Path& path) {
    if (!value.is_array()) return wrong(path, "an array", value);
    json::Array out;
    for (std::size_t i = 0; i < value.get_array().size(); ++i)
      out.push_back(TRY(any(value.get_array()[i], item, Path(path, i))));
    return Value(std::move(out));
  }

  Verdict<Value> map(const Value& value, const Shape& item, const Path& path) {
    if (!value.is_object()) return wrong(path, "an object", value);
    json::Object out;
    for (const auto& member : value.get_object()) {
      Path here(path, std::string_view(member.key().data(), member.key().size()));
      // null in a map is a zero value under its key, not an absent one: {"mynetwork": null}
      if (member.value().is_null())
        out[member.key()] = nullptr;
      else
        out[member.key()] = TRY(any(member.value(), item, here));
    }
    return Value(std::move(out));
  }

  Verdict<Value> object(const Value& value, const Shape& shape, const Path& path) {
    if (!value.is_object()) return wrong(path, "an object", value);
    json::Object out;
    for (const auto& member : value.get_object()) {
      std::string_view key(member.key().data(), member.key().size());
      const Member* known = nullptr;
      for (const auto& candidate : shape.members)
        if (json::folds_to(key, candidate.name)) known = &candidate;
      Path here(path, known ? known->name : key);
      if (!known) {
        if (dropped.size() < kMostDropped) dropped.push_back(here.text());
        continue;
      }
      if (seen(out, known->name)) return malformed(cat(here.text(), ": given more than once"));
      out[known->name] = member.value().is_null() ? Value(nullptr)
                                                  : TRY(any(member.value(), known->shape, here));
    }
    return Value(without_nulls(std::move(out)));
  }

  static bool seen(const json::Object& object, std::string_view name) { return object.contains(name); }

  static json::Object without_nulls(json::Object object) {
    json::Object out;
    for (auto& member : object)
      if (!member.value().is_null()) out[member.key()] = std::move(member.value());
    return out;
  }
};

}  // namespace

Verdict<Value> into_shape(const Value& value, const Shape& shape, std::vector<std::string>& dropped) {
  return Shaper{dropped}.any(value, shape, Path());
}

std::string_view text_of(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? text_of(*value) : std::string_view();
}

bool bool_of(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

const json::Array* array_of(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_array() : nullptr;
}

const json::Object* child_of(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

}  // namespace bulkhead::guard
