#include "json/fields.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::json {
namespace {

struct Inner {
  std::uint16_t small = 0;
  std::int8_t tiny = 0;
};

struct Outer {
  std::string kind, color;
  bool flag = false;
  std::optional<Inner> inner;
  std::vector<Inner> list;
  std::map<std::string, std::string, std::less<>> map;
  int checked = 0;
};

constexpr std::string_view kColors[] = {"red", "green"};

Table<Inner> fields_of(std::type_identity<Inner>) {
  static constexpr auto kFields = fields<Inner>({
      {"small", field<&Inner::small>, kRequired},
      {"tiny", field<&Inner::tiny>},
  });
  return {kFields, Unknown::kRefuse};
}

Result<> read_twice(Outer& out, const Value& value, const Path& path) {
  TRY(read_value(out.checked, value, path));
  out.checked *= 2;
  return {};
}

Result<> check_outer(Outer& out, const Path& path) {
  if (out.kind == "bad") return fail_at(Path(path, "kind"), "is bad");
  return {};
}

Table<Outer> fields_of(std::type_identity<Outer>) {
  static constexpr auto kFields = fields<Outer>({
      {"kind", field<&Outer::kind>, kRequired},
      {"color", one_of<&Outer::color, kColors>},
      {"flag", field<&Outer::flag>},
      {"inner", field<&Outer::inner>},
      {"list", field<&Outer::list>},
      {"map", field<&Outer::map>},
      {"checked", custom<read_twice>},
  });
  return {kFields, check_outer};
}

Result<Outer> read_text(std::string_view text) { return read<Outer>(TRY(parse(text))); }

TEST(Fields, ReadsEveryType) {
  auto outer = read_text(R"({"kind":"k","color":"green","flag":true,"inner":{"small":65535},
      "list":[{"small":0,"tiny":-128}],"map":{"A":"1","a":"2"},"checked":21,"more":[{}]})");
  ASSERT_TRUE(outer.has_value()) << outer.error().message;
  EXPECT_EQ(outer->color, "green");
  EXPECT_TRUE(outer->flag);
  EXPECT_EQ(outer->inner->small, 65535);
  EXPECT_EQ(outer->list.at(0).tiny, -128);
  EXPECT_EQ(outer->map.at("a"), "2");
  EXPECT_EQ(outer->checked, 42);
}

TEST(Fields, NullIsAbsent) {
  auto outer = read_text(R"({"kind":"k","flag":null,"inner":null,"list":null,"map":null})");
  ASSERT_TRUE(outer.has_value()) << outer.error().message;
  EXPECT_FALSE(outer->inner);
}

TEST(Fields, ErrorsSayWhere) {
  std::string long_key(200, 'k');
  struct {
    std::string text, error;
  } cases[] = {
      {"[]", "expected an object, found an array"},
      {"{}", "kind: is missing"},
      {R"({"kind":null})", "kind: is missing"},
      {R"({"kind":7})", "kind: expected a string, found a number"},
      {R"({"kind":"bad"})", "kind: is bad"},
      {R"({"kind":"k","color":"blue"})", "color: \"blue\" is not one of red, green"},
      {R"({"kind":"k","flag":"true"})", "flag: expected a boolean, found a string"},
      {R"({"kind":"k","inner":{}})", "inner.small: is missing"},
      {R"({"kind":"k","inner":{"small":65536}})",
       "inner.small: 65536 is out of range (0 to 65535)"},
      {R"({"kind":"k","inner":{"small":-1}})", "inner.small: -1 is out of range (0 to 65535)"},
      {R"({"kind":"k","inner":{"small":1.0}})",
       "inner.small: expected an integer, found a number with fraction or exponent"},
      {R"({"kind":"k","inner":{"small":"1"}})", "inner.small: expected an integer, found a string"},
      {R"({"kind":"k","inner":{"small":1,"tiny":128}})",
       "inner.tiny: 128 is out of range (-128 to 127)"},
      {R"({"kind":"k","inner":{"small":1,"tiny":18446744073709551615}})",
       "inner.tiny: 18446744073709551615 is out of range (-128 to 127)"},
      {R"({"kind":"k","list":[{"small":1},null]})", "list[1]: expected an object, found null"},
      {R"({"kind":"k","list":{}})", "list: expected an array, found an object"},
      {R"({"kind":"k","list":[{"small":1,"other":1}]})", "list[0].other: unknown key"},
      {R"({"kind":"k","list":[{"small":1,"other":null}]})", "list[0].other: unknown key"},
      {R"({"kind":"k","map":{"a b":1}})", "map[\"a b\"]: expected a string, found a number"},
      {R"({"kind":"k","map":{"\u001b[2J":1}})",
       "map[\"\\u001b[2J\"]: expected a string, found a number"},
      {R"({"kind":"k","map":{")" + long_key + R"(":1}})",
       "map[\"" + long_key.substr(0, 80) + "...\"]: expected a string, found a number"},
      // What Go would read as "kind" and "flag", and we would not.
      {R"({"Kind":"k"})", "Kind: must be written \"kind\""},
      {R"({"kind":"k","KIND":"x"})", "KIND: must be written \"kind\""},
      {R"({"kind":"k","FLAG":null})", "FLAG: must be written \"flag\""},
      {"{\"\xe2\x84\xaaind\":\"k\"}", "must be written \"kind\""},
      {"{\"kind\":\"k\",\"li\xc5\xbft\":[]}", "must be written \"list\""},
      {"{\"kind\":\"k\",\"inner\":{\"\\u017fmall\":1}}", "must be written \"small\""},
  };
  for (const auto& [text, error] : cases) {
    auto outer = read_text(text);
    ASSERT_FALSE(outer.has_value()) << text;
    EXPECT_THAT(outer.error().message, ::testing::HasSubstr(error)) << text;
    if (!error.starts_with("must")) {
      EXPECT_EQ(outer.error().message, error);
    }
  }
}

TEST(Fields, LimitsItems) {
  std::string list = "{\"kind\":\"k\",\"list\":[{\"small\":1}";
  for (std::size_t i = 0; i < limits::kJsonItems; ++i) list += ",{\"small\":1}";
  auto outer = read_text(list + "]}");
  ASSERT_FALSE(outer.has_value());
  EXPECT_EQ(outer.error().message, "list: 65537 elements, more than the limit of 65536");
}

TEST(FoldsTo, AsGo) {
  EXPECT_TRUE(folds_to("CWD", "cwd"));
  EXPECT_TRUE(folds_to("containerid", "containerID"));
  EXPECT_TRUE(folds_to("\xe2\x84\xaa\xc5\xbf", "ks"));
  EXPECT_FALSE(folds_to("cw", "cwd"));
  EXPECT_FALSE(folds_to("cwdx", "cwd"));
  EXPECT_FALSE(folds_to("c-d", "c_d"));
  EXPECT_FALSE(folds_to("{", "["));  // 0x20 apart, and no letters
  EXPECT_FALSE(folds_to("\xc5", "s"));
}

}  // namespace
}  // namespace bulkhead::json
