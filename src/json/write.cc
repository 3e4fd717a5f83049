#include "json/write.h"

namespace bulkhead::json {
namespace {

// The length of the valid UTF-8 sequence at the start of `text`, 0 when it is not one (overlong,
// surrogate, over U+10FFFF, cut off).
std::size_t utf8_length(std::string_view text) {
  auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    unsigned low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    unsigned low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_ascii(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  auto code = static_cast<unsigned char>(c);
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (code >= 0x20 && code != 0x7f) {
    out += c;
  } else {  // DEL too: these documents are printed on terminals
    out += "\\u00";
    out += kHex[code >> 4];
    out += kHex[code & 15];
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    auto length = utf8_length(text);
    if (length == 1)
      append_ascii(out, text.front());
    else if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void Writer::new_line() {
  if (style_ == Style::kCompact) return;
  out_ += '\n';
  out_.append(2 * depth_, ' ');
}

void Writer::begin_item() {
  if (std::exchange(after_key_, false)) return;
  if (!std::exchange(is_first_, false)) out_ += ',';
  if (depth_ > 0) new_line();
}

Writer& Writer::open(char bracket) {
  begin_item();
  out_ += bracket;
  ++depth_;
  is_first_ = true;
  return *this;
}

Writer& Writer::close(char bracket) {
  --depth_;
  if (!std::exchange(is_first_, false)) new_line();
  out_ += bracket;
  return *this;
}

Writer& Writer::key(std::string_view name) {
  begin_item();
  append_quoted(out_, name);
  out_ += style_ == Style::kPretty ? ": " : ":";
  after_key_ = true;
  return *this;
}

Writer& Writer::value(std::string_view text) {
  begin_item();
  append_quoted(out_, text);
  return *this;
}

Writer& Writer::raw(std::string_view token) {
  begin_item();
  out_ += token;
  return *this;
}

Writer& Writer::number_value(std::int64_t number) { return raw(std::to_string(number)); }
Writer& Writer::number_value(std::uint64_t number) { return raw(std::to_string(number)); }

}  // namespace bulkhead::json
