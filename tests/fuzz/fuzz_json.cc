// The strict reader on any bytes, and: what it accepts, our writer writes and it reads as the same
// value again.
#include <string_view>

#include "fuzz.h"
#include "json/read.h"
#include "json/write.h"

namespace {

using bulkhead::json::Value;
using bulkhead::json::Writer;

// False where the document holds a double, which our writer has no need for.
bool write(Writer& out, const Value& value) {
  bool complete = true;
  if (value.is_object()) {
    out.begin_object();
    for (const auto& member : value.get_object()) {
      out.key({member.key().data(), member.key().size()});
      complete = write(out, member.value()) && complete;
    }
    out.end_object();
  } else if (value.is_array()) {
    out.begin_array();
    for (const auto& item : value.get_array()) complete = write(out, item) && complete;
    out.end_array();
  } else if (value.is_string()) {
    out.value(std::string_view(value.get_string().data(), value.get_string().size()));
  } else if (value.is_int64()) {
    out.value(value.get_int64());
  } else if (value.is_uint64()) {
    out.value(value.get_uint64());
  } else if (value.is_bool()) {
    out.value(value.get_bool());
  } else {
    out.null();
    complete = value.is_null();
  }
  return complete;
}

void check_round_trip(const Value& value, Writer::Style style) {
  Writer out(style);
  bool complete = write(out, value);
  auto again = bulkhead::json::parse(std::move(out).take());
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(!complete || *again == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = bulkhead::json::parse(text);
  FUZZ_CHECK(value || !value.error().message.empty());
  if (value) {
    check_round_trip(*value, Writer::Style::kCompact);
    check_round_trip(*value, Writer::Style::kPretty);
  }
  if (text.find('\0') == text.npos) FUZZ_CHECK(bulkhead::json::parse(bulkhead::json::quote(text)));
  return 0;
}
