// Command lines from tables: one row an option, from which parsing, --help and completion come.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead::cli {

struct Option {
  const char* name;      // "pid-file"
  char letter;           // 'p' or 0
  const char* argument;  // "FILE"; nullptr for a flag
  const char* help;
};

struct Parsed {
  std::map<std::string, std::vector<std::string>, std::less<>> values;  // flags: one ""
  std::vector<std::string> arguments;

  bool has(std::string_view name) const { return values.contains(name); }
  // The last value given; "" when absent.
  std::string get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
};

// Options come before arguments, as engines write them: the first argument ends them (what follows
// may be another command's). "--flag=false" switches a flag off.
// Errors: unknown option, missing argument.
Result<Parsed> parse(std::span<const Option> options, std::span<const std::string> words);

std::string describe(std::span<const Option> options);  // the lines of --help

}  // namespace bulkhead::cli
