// linux.seccomp. Names of actions, operators, architectures and flags are judged by seccomp/, which
// knows libseccomp's.
#include "spec/tables.h"

namespace bulkhead::spec {

using json::field;
using json::fields;
using json::kRequired;
using json::Table;

Table<SeccompArg> fields_of(std::type_identity<SeccompArg>) {
  static constexpr auto kFields = fields<SeccompArg>({
      {"index", field<&SeccompArg::index, ReadBetween<0, 5>{}>, kRequired},
      {"value", field<&SeccompArg::value>, kRequired},
      {"valueTwo", field<&SeccompArg::value_two>},
      {"op", field<&SeccompArg::op>, kRequired},
  });
  return {kFields};
}

Table<SeccompSyscall> fields_of(std::type_identity<SeccompSyscall>) {
  static constexpr auto kFields = fields<SeccompSyscall>({
      {"names", field<&SeccompSyscall::names>, kRequired},
      {"action", field<&SeccompSyscall::action>, kRequired},
      {"errnoRet", field<&SeccompSyscall::errno_ret>},
      {"args", field<&SeccompSyscall::args>},
  });
  return {kFields};
}

Table<Seccomp> fields_of(std::type_identity<Seccomp>) {
  static constexpr auto kFields = fields<Seccomp>({
      {"defaultAction", field<&Seccomp::default_action>, kRequired},
      {"defaultErrnoRet", field<&Seccomp::default_errno_ret>},
      {"architectures", field<&Seccomp::architectures>},
      {"flags", field<&Seccomp::flags>},
      {"listenerPath", field<&Seccomp::listener_path>},
      {"listenerMetadata", field<&Seccomp::listener_metadata>},
      {"syscalls", field<&Seccomp::syscalls>},
  });
  return {kFields};
}

}  // namespace bulkhead::spec
