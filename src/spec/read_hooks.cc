// The six kinds of hooks.
#include "spec/tables.h"

namespace bulkhead::spec {

using json::field;
using json::fields;
using json::kRequired;
using json::Table;

Table<Hook> fields_of(std::type_identity<Hook>) {
  static constexpr auto kFields = fields<Hook>({
      {"path", field<&Hook::path, ReadAbsolutePath{}>, kRequired},
      {"args", field<&Hook::args, ReadAtMost<limits::kArgs>{}>},
      {"env", field<&Hook::env, ReadAtMost<limits::kArgs>{}>},
      {"timeout", field<&Hook::timeout_s, ReadBetween<1, 0x7fffffff>{}>},
  });
  return {kFields};
}

Table<Hooks> fields_of(std::type_identity<Hooks>) {
  using List = ReadAtMost<limits::kHooks>;
  static constexpr auto kFields = fields<Hooks>({
      {"prestart", field<&Hooks::prestart, List{}>},
      {"createRuntime", field<&Hooks::create_runtime, List{}>},
      {"createContainer", field<&Hooks::create_container, List{}>},
      {"startContainer", field<&Hooks::start_container, List{}>},
      {"poststart", field<&Hooks::poststart, List{}>},
      {"poststop", field<&Hooks::poststop, List{}>},
  });
  return {kFields};
}

}  // namespace bulkhead::spec
