// Result<T> and TRY: the one way errors travel. Errors are made once, wrapped with context on the
// way up and printed once at the top. No exception crosses a function of ours.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace bulkhead {

struct [[nodiscard]] Error {
  int code = 0;         // errno, or 0 where no system call is behind it
  std::string message;  // "context: object: reason; way out", without a trailing newline

  Error wrap(std::string_view context) && {
    message.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
};

template <typename T = void>
using Result = std::expected<T, Error>;

// An error with no errno behind it.
inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{0, std::move(message)});
}

// An error from a system call: "what: strerror(code)".
inline std::unexpected<Error> fail_errno(std::string_view what, int code = errno) {
  std::string message(what);
  message.append(": ").append(strerror(code));
  return std::unexpected(Error{code, std::move(message)});
}

namespace detail {
template <typename T, typename E>
T take(std::expected<T, E>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

}  // namespace bulkhead

// TRY(expr): the value of a Result, or return its error from the enclosing function. Not beside other
// owning temporaries in one expression ({TRY(a), TRY(b)}): g++ 12 does not destroy those when the
// return leaves the expression.
#define TRY(...)                                                          \
  ({                                                                      \
    auto&& try_result_ = (__VA_ARGS__);                                   \
    if (!try_result_) [[unlikely]]                                        \
      return std::unexpected(std::move(try_result_).error());             \
    ::bulkhead::detail::take(std::move(try_result_));                     \
  })

// TRY_IN(context, expr): the same, the error wrapped as "context: ...". The context is evaluated
// only on failure.
#define TRY_IN(context, ...)                                              \
  ({                                                                      \
    auto&& try_result_ = (__VA_ARGS__);                                   \
    if (!try_result_) [[unlikely]]                                        \
      return std::unexpected(std::move(try_result_).error().wrap(context)); \
    ::bulkhead::detail::take(std::move(try_result_));                     \
  })
