#include "json/read.h"

#include <gmock/gmock.h>

#include "base/strings.h"

namespace bulkhead::json {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string text, error;  // empty: accepted
};

class Read : public ::testing::TestWithParam<Case> {};

TEST_P(Read, Judges) {
  auto value = parse(GetParam().text);
  if (GetParam().error.empty())
    EXPECT_TRUE(value.has_value()) << value.error().message;
  else
    ASSERT_FALSE(value.has_value()) << GetParam().text;
  if (!value) {
    EXPECT_THAT(value.error().message, HasSubstr(GetParam().error));
  }
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string object_of(int size, std::string_view last) {
  std::string text = "{";
  for (int i = 0; i < size; ++i) text += cat("\"key", i, "\":{\"same\":1},");
  return text + "\"" + std::string(last) + "\":0}";
}

INSTANTIATE_TEST_SUITE_P(
    Json, Read,
    ::testing::Values(
        Case{"{}", ""}, Case{" [1, 2.5, -3, 1e3, true, null, \"x\"]\n", ""}, Case{"7", ""},
        Case{"", "empty"}, Case{" \n", "empty"}, Case{"\xef\xbb\xbf{}", "line 1, column 1: syntax"},
        Case{"{", "ends too early"}, Case{"\"abc", "ends too early"}, Case{"tru", "ends too early"},
        Case{"{} {}", "line 1, column 4: data after"},
        Case{"{}\n x", "line 2, column 2: data after"}, Case{std::string("{}\0", 3), "data after"},
        Case{"[1,]", "syntax"}, Case{"{\"a\":1,}", "syntax"}, Case{"// c\n{}", "syntax"},
        Case{"{'a':1}", "syntax"}, Case{"[NaN]", "syntax"}, Case{"[Infinity]", "syntax"},
        Case{"[01]", "syntax"}, Case{"[+1]", "syntax"}, Case{"[1.]", "syntax"},
        Case{"[.5]", "syntax"}, Case{"[\"\t\"]", "syntax"},
        // Duplicates: same spelling, escaped spelling, far apart, in an inner object.
        Case{"{\"a\":1,\"b\":{\"a\":2}}", ""}, Case{"{\"a\":1,\"A\":2}", ""},
        Case{"{\"a\":1,\n \"a\":2}", "line 2, column 3: duplicate key \"a\""},
        Case{"{\"a\":1,\"\\u0061\":2}", "duplicate key \"a\""},
        Case{"[{\"x\":[{\"a\":1,\"a\":2}]}]", "duplicate key \"a\""},
        Case{"{\"\":1,\"\":2}", "duplicate key \"\""}, Case{object_of(200, "other"), ""},
        Case{object_of(200, "key57"), "duplicate key \"key57\""},
        Case{object_of(16, "key0"), "duplicate key \"key0\""},
        Case{object_of(15, "key14"), "duplicate key \"key14\""},
        // Numbers.
        Case{"[18446744073709551615, -9223372036854775808]", ""},
        Case{"[18446744073709551616]", "line 1, column 2: integer does not fit"},
        Case{"[-9223372036854775809]", "integer does not fit"},
        Case{"[1" + std::string(400, '0') + "]", "integer does not fit"},
        Case{"[1e400]", "number is too large"}, Case{"[-1e400]", "number is too large"},
        Case{"[1e99999999999]", "exponent"}, Case{"[1e-400]", ""},
        // Strings.
        Case{"[\"\\u00e4\\ud83d\\ude00\xc3\xa4\"]", ""}, Case{"[\"a\\u0000b\"]", "NUL character"},
        Case{"{\"a\\u0000\":1}", "NUL character"}, Case{"[\"\\ud800\"]", "syntax"},
        Case{"[\"\\ud800\\u0041\"]", "surrogate"}, Case{"[\"\\udc00\"]", "surrogate"},
        Case{"[\"\xff\"]", "syntax"}, Case{"[\"\xc0\x80\"]", "syntax"},
        Case{"[\"\xed\xa0\x80\"]", "syntax"}, Case{"[\"\xf4\x90\x80\x80\"]", "syntax"},
        Case{"[\"\xe2\x82\"]", "syntax"},
        // Depth.
        Case{nested(32), ""}, Case{nested(33), "deeper than 32"},
        Case{nested(100000), "deeper than 32"}));

TEST(ReadValue, KeepsKindsAndOrder) {
  auto value = parse(R"({"z":18446744073709551615,"a":-1,"f":1.0,"s":"\u00e4"})");
  ASSERT_TRUE(value.has_value());
  const Object& object = value->get_object();
  EXPECT_TRUE(object.at("z").is_uint64());
  EXPECT_EQ(object.at("a").get_int64(), -1);
  EXPECT_TRUE(object.at("f").is_double());
  EXPECT_EQ(object.at("s").get_string(), "\xc3\xa4");
  EXPECT_EQ(object.begin()->key(), "z");
}

TEST(ReadValue, LongStringsAndKeysAcrossParserBuffers) {
  std::string plain(100000, 'x'), escaped;
  for (int i = 0; i < 20000; ++i) escaped += "\\n";
  auto value = parse("{\"" + escaped + "\":\"" + plain + "\",\"b\":\"" + escaped + "\"}");
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(value->get_object().at(std::string(20000, '\n')).get_string().size(), plain.size());
  EXPECT_FALSE(parse("{\"" + escaped + "\":1,\"" + escaped + "\":2}").has_value());
}

}  // namespace
}  // namespace bulkhead::json
