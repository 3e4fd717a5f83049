#include "json/write.h"

#include <gtest/gtest.h>

#include <vector>

#include "json/read.h"

namespace bulkhead::json {
namespace {

std::string sample(Writer::Style style) {
  Writer json(style);
  json.begin_object().field("id", "a\"b").field("pid", 7).field("big", UINT64_MAX);
  json.field("low", INT64_MIN).field("yes", true).key("none").null();
  json.key("empty").begin_array().end_array().key("nothing").begin_object().end_object();
  json.field("list", std::vector<std::string>{"x", "y"});
  json.field("map", std::map<std::string, int>{{"k", 1}});
  json.key("nested").begin_array().begin_array().value(1).end_array().begin_object().end_object();
  return std::move(json.end_array().end_object()).take();
}

TEST(Write, Compact) {
  EXPECT_EQ(sample(Writer::Style::kCompact),
            R"({"id":"a\"b","pid":7,"big":18446744073709551615,"low":-9223372036854775808,)"
            R"("yes":true,"none":null,"empty":[],"nothing":{},"list":["x","y"],"map":{"k":1},)"
            R"("nested":[[1],{}]})");
}

TEST(Write, PrettyIsGoMarshalIndent) {
  EXPECT_EQ(sample(Writer::Style::kPretty), R"({
  "id": "a\"b",
  "pid": 7,
  "big": 18446744073709551615,
  "low": -9223372036854775808,
  "yes": true,
  "none": null,
  "empty": [],
  "nothing": {},
  "list": [
    "x",
    "y"
  ],
  "map": {
    "k": 1
  },
  "nested": [
    [
      1
    ],
    {}
  ]
})");
}

TEST(Write, TopLevelArrayAndScalar) {
  Writer list(Writer::Style::kPretty);
  EXPECT_EQ(std::move(list.begin_array().end_array()).take(), "[]");
  Writer scalar(Writer::Style::kPretty);
  EXPECT_EQ(std::move(scalar.value("x")).take(), "\"x\"");
}

TEST(Quoted, EscapesAndRepairs) {
  struct {
    std::string_view text, json;
  } cases[] = {
      {"plain", R"("plain")"},
      {"\"\\\n\r\t", R"("\"\\\n\r\t")"},
      {std::string_view("\0\x01\x1f\x7f", 4), R"("\u0000\u0001\u001f\u007f")"},
      {"ä€😀", "\"ä€😀\""},
      {"a\xff"  "b", "\"a\xef\xbf\xbd"  "b\""},
      {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},          // overlong NUL
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},  // surrogate
      {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},          // cut off
      {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
  };
  for (auto [text, json] : cases) EXPECT_EQ(quote(text), json);
}

// Whatever is written can be read again, with the same text when that was valid.
TEST(Quoted, ReadsBack) {
  for (int first = 1; first < 256; ++first)
    for (int second = 1; second < 256; ++second) {
      std::string text{static_cast<char>(first), static_cast<char>(second)};
      auto value = parse(quote(text));
      ASSERT_TRUE(value.has_value()) << first << ' ' << second << ": " << value.error().message;
      if (first < 0x80 && second < 0x80) {
        EXPECT_EQ(value->get_string(), text);
      }
    }
}

}  // namespace
}  // namespace bulkhead::json
