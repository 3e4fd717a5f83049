#include "scope/property.h"

#include <cstdint>

#include "base/strings.h"

namespace bulkhead::scope {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Empty on bad text.
std::vector<std::uint8_t> bytes_from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  if (text.size() % 2 != 0) return {};
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

bool is_valid(const Property& property) {
  std::string_view value = property.value;
  if (property.type == "t") return value == "max" || parse_decimal<std::uint64_t>(value);
  if (property.type == "b") return value == "true" || value == "false";
  if (property.type == "ay") return !bytes_from_hex(value).empty();
  if (property.type == "s") return true;
  if (property.type != "a(ss)") return false;
  if (value.empty()) return true;
  for (std::string_view pair : split(value, ';'))
    if (split(pair, ' ').size() != 2) return false;
  return true;
}

int append_pairs(sd_bus_message* message, std::string_view value) {
  int code = sd_bus_message_open_container(message, 'a', "(ss)");
  if (code < 0 || value.empty()) return code < 0 ? code : sd_bus_message_close_container(message);
  for (std::string_view pair : split(value, ';')) {
    auto words = split(pair, ' ');
    std::string first(words[0]), second(words[1]);
    code = sd_bus_message_append(message, "(ss)", first.c_str(), second.c_str());
    if (code < 0) return code;
  }
  return sd_bus_message_close_container(message);
}

int append_value(sd_bus_message* message, const Property& property) {
  if (property.type == "t")
    return sd_bus_message_append(
        message, "t", parse_decimal<std::uint64_t>(property.value).value_or(UINT64_MAX));
  if (property.type == "b") return sd_bus_message_append(message, "b", property.value == "true");
  if (property.type == "s") return sd_bus_message_append(message, "s", property.value.c_str());
  if (property.type == "a(ss)") return append_pairs(message, property.value);
  auto bytes = bytes_from_hex(property.value);
  return sd_bus_message_append_array(message, 'y', bytes.data(), bytes.size());
}

}  // namespace

Result<Property> parse_property(std::string_view text) {
  auto equals = text.find('=');
  auto colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
  if (equals == std::string_view::npos || equals == 0 || colon == std::string_view::npos)
    return fail(cat("property \"", text, "\" is not of the form NAME=TYPE:VALUE"));
  Property property{std::string(text.substr(0, equals)),
                    std::string(text.substr(equals + 1, colon - equals - 1)),
                    std::string(text.substr(colon + 1))};
  if (!is_valid(property))
    return fail(cat("property \"", text, "\": unknown type, or a value that is none of it"));
  return property;
}

int append_property(sd_bus_message* message, const Property& property) {
  int code = sd_bus_message_open_container(message, 'r', "sv");
  if (code >= 0) code = sd_bus_message_append(message, "s", property.name.c_str());
  if (code >= 0) code = sd_bus_message_open_container(message, 'v', property.type.c_str());
  if (code >= 0) code = append_value(message, property);
  if (code >= 0) code = sd_bus_message_close_container(message);
  if (code >= 0) code = sd_bus_message_close_container(message);
  return code < 0 ? code : 0;
}

}  // namespace bulkhead::scope
