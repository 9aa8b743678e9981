// What can fail returns a Result: a value, or an Error with a code for programs and a sentence for
// people. Not for our own mistakes: those are assertions.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace burrow {

/// What went wrong, for programs to branch on. The text of an Error is for people alone.
enum class Errc {
  invalid_input,   ///< a request, file or command line that cannot be meant
  not_found,       ///< the thing named does not exist
  already_exists,  ///< the thing named exists, or is taken by another
  exhausted,       ///< nothing left of a bounded resource
  unsupported,     ///< this host or kernel cannot do it
  permission,      ///< refused by the system
  changed,         ///< the world moved between observation and action: observe again
  timeout,         ///< a deadline passed
  corrupt,         ///< stored state does not decode
  system,          ///< any other failure of a system call or library
};

/// A failure: lower case, no full stop, the thing in quotes and what was found.
struct Error {
  Errc code = Errc::system;
  std::string message;
  std::optional<int> os_error = {};  ///< errno, where a system call failed
};

/// An Error on its way into a Result of any type.
using Failure = tl::unexpected<Error>;

/// A value or an Error; must not be ignored.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// Makes a failure with a formatted message.
template <typename... Args>
[[nodiscard]] Failure fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure{Error{code, fmt::format(format, std::forward<Args>(args)...)}};
}

/// Puts `context` and a colon before the message of `error`.
[[nodiscard]] inline Failure with_context(Error error, std::string_view context) {
  error.message = fmt::format("{}: {}", context, error.message);
  return Failure{std::move(error)};
}

/// A failed system call: `what` was attempted, `code` is its errno. The message ends as Rust
/// programs print it, "(os error N)", because netavark's callers look for that.
[[nodiscard]] Failure system_failure(int code, std::string_view what);

/// A T of the values of all parts, in the order of its members, or the first error.
template <typename T, typename... Parts>
[[nodiscard]] Result<T> made_of(Result<Parts>... parts) {
  std::optional<Error> error;
  const auto look = [&](auto& part) {
    if (!part && !error) error = std::move(part).error();
  };
  (look(parts), ...);
  if (error) return Failure{*std::move(error)};
  return T{*std::move(parts)...};
}

}  // namespace burrow

// Each expansion names its own variable, so that TRY may stand inside TRY.
#define BURROW_JOIN_(a, b) a##b
#define BURROW_JOIN(a, b) BURROW_JOIN_(a, b)
#define BURROW_TRY(variable, ...)                            \
  __extension__({                                            \
    auto variable = (__VA_ARGS__);                           \
    if (!variable) [[unlikely]]                              \
      return ::burrow::Failure{std::move(variable).error()}; \
    *std::move(variable);                                    \
  })

/// Yields the value of a Result, or returns its error from the enclosing function. Not within
/// braces behind another member: compilers leave what is made of an aggregate undestroyed when a
/// return leaves it (GCC 12, clang 14). Take the value first, or use made_of.
#define TRY(...) BURROW_TRY(BURROW_JOIN(try_result_, __COUNTER__), __VA_ARGS__)

/// TRY for Result<void>: returns the error, yields nothing.
#define TRY_VOID(...)                                                \
  do {                                                               \
    if (auto try_result_ = (__VA_ARGS__); !try_result_) [[unlikely]] \
      return ::burrow::Failure{std::move(try_result_).error()};      \
  } while (false)
