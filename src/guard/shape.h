// The shape of a JSON body: which members it may have and of what type. A body is brought into its
// shape before anything looks at it, and only what has the shape goes on to the engine.
//
// Go's encoding/json takes "binds", "BINDS" and even "Bind\u017f" for the field Binds, and of several
// such keys the last one wins; members that the engine has no field for it ignores.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "guard/verdict.h"
#include "json/read.h"

namespace bulkhead::guard {

struct Member;

struct Shape {
  enum class Kind {
    kBool,
    kInteger,
    kString,
    kStringOrStrings,  // "sh" or ["sh", "-c"]: commands
    kList,             // of item
    kMap,              // keys are data; of item
    kObject,           // with members
    kAny,              // nothing of ours depends on it; keys are data
  };
  Kind kind;
  const Shape* item = nullptr;
  std::span<const Member> members = {};
};

struct Member {
  std::string_view name;
  const Shape& shape;
};

inline constexpr Shape kBool{Shape::Kind::kBool};
inline constexpr Shape kInteger{Shape::Kind::kInteger};
inline constexpr Shape kString{Shape::Kind::kString};
inline constexpr Shape kStringOrStrings{Shape::Kind::kStringOrStrings};
inline constexpr Shape kAny{Shape::Kind::kAny};
constexpr Shape list_of(const Shape& item) { return {Shape::Kind::kList, &item}; }
constexpr Shape map_of(const Shape& item) { return {Shape::Kind::kMap, &item}; }
inline constexpr Shape kStrings = list_of(kString);
inline constexpr Shape kStringMap = map_of(kString);
inline constexpr Shape kEmptyObject{Shape::Kind::kObject};
inline constexpr Shape kNameSet = map_of(kEmptyObject);  // {"80/tcp": {}}

template <std::size_t N>
constexpr Shape object_of(const Member (&members)[N]) {
  return {Shape::Kind::kObject, nullptr, members};
}

// `value` in `shape`, keys in the engine's spelling. Members that are null are left out (for Go the
// same as absent), unknown ones too; their paths are appended to `dropped`.
// Refused (400): two keys for one member, a type that Go would not take either.
Verdict<json::Value> into_shape(const json::Value& value, const Shape& shape,
                                std::vector<std::string>& dropped);

// Members of objects in shape: the neutral value where there is none.
std::string_view text_of(const json::Object& object, std::string_view name);
bool bool_of(const json::Object& object, std::string_view name);
const json::Array* array_of(const json::Object& object, std::string_view name);
const json::Object* child_of(const json::Object& object, std::string_view name);
inline std::string_view text_of(const json::Value& string) {
  return {string.get_string().data(), string.get_string().size()};
}

}  // namespace bulkhead::guard
