#pragma once

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/base/error.h"

namespace hoplab {

/// A value or an Error. C++20 has no std::expected; this is the small part of it that we use.
/// Reading the value of a failed Result (or the error of a good one) aborts: it is a bug.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  /// Converts from anything T is made from, e.g. unique_ptr<Derived> to unique_ptr<Base>.
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& { return *checked(std::get_if<1>(&state_)); }
  [[nodiscard]] Error&& error() && { return std::move(*checked(std::get_if<1>(&state_))); }

  template <typename U>
  [[nodiscard]] T value_or(U&& fallback) && {
    return ok() ? std::move(*this).value() : static_cast<T>(std::forward<U>(fallback));
  }

  /// Adds context to a failure; passes a success through.
  Result context(std::string_view what) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().context(what);
  }

 private:
  template <typename P>
  static P checked(P pointer) {
    if (pointer == nullptr) std::abort();
    return pointer;
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const Error& error() const& {
    if (ok()) std::abort();
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    if (ok()) std::abort();
    return std::move(*error_);
  }

  Result context(std::string_view what) && {
    if (ok()) return {};
    return std::move(*error_).context(what);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace hoplab

#define HOP_CONCAT_(a, b) a##b
#define HOP_CONCAT(a, b) HOP_CONCAT_(a, b)

/// `HOP_TRY(auto fd, open_file(path));` declares or assigns the value, or returns the error.
#define HOP_TRY(target, ...) HOP_TRY_(HOP_CONCAT(hop_result_, __COUNTER__), target, __VA_ARGS__)
#define HOP_TRY_(tmp, target, ...)         \
  auto tmp = (__VA_ARGS__);                \
  if (!tmp) return std::move(tmp).error(); \
  target = std::move(tmp).value()

/// `HOP_CHECK(write_all(fd, text));` returns the error of a failed Result, drops a good one.
#define HOP_CHECK(...)                                \
  do {                                                \
    if (auto hop_check = (__VA_ARGS__); !hop_check) { \
      return std::move(hop_check).error();            \
    }                                                 \
  } while (false)
