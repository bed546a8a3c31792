#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hoplab {

/// What kind of failure happened, in the terms of the Kubernetes API's Status reasons, so that an
/// error keeps its meaning from the kernel up to `kubectl`. `store/api/status.h` maps it to HTTP.
enum class ErrorCode {
  invalid,                 ///< A value is well-formed but not allowed (422 Invalid).
  bad_request,             ///< The input cannot be read at all (400 BadRequest).
  unauthorized,            ///< 401.
  forbidden,               ///< 403, or EPERM/EACCES from the kernel.
  not_found,               ///< 404, or ENOENT/ESRCH/ENODEV.
  method_not_allowed,      ///< 405.
  already_exists,          ///< 409 AlreadyExists, or EEXIST.
  conflict,                ///< 409 Conflict: compare-and-set lost.
  too_old,                 ///< 410 Expired: the revision has been compacted.
  too_large,               ///< 413.
  unsupported_media_type,  ///< 415.
  unsupported,             ///< The kernel or machine lacks a feature.
  timed_out,               ///< 504, or a wait that ran out.
  unavailable,             ///< 503: the peer is not there now; trying again may help.
  internal,                ///< 500: a bug or a broken invariant.
  system,                  ///< A system call failed; see `Error::sys_errno`.
};

std::string_view to_string(ErrorCode code);

/// One field of an object that was refused, e.g. {"spec.ports[0].nodePort", "Invalid value",
/// "..."}.
struct ErrorCause {
  std::string field;
  std::string reason;
  std::string message;
  bool operator==(const ErrorCause&) const = default;
};

/// What the error is about, when it is about an API object. Empty strings mean "not known".
struct ErrorDetails {
  std::string group;
  std::string resource;
  std::string name;
  std::string uid;
  std::vector<ErrorCause> causes;
};

/// A failure as a value. The message reads "what was attempted on which object: what the kernel or
/// peer said"; callers add their part in front with `context()` on the way up.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  /// An error from a system call: "<what>: <strerror> (<ENAME>)". The code follows the errno.
  static Error from_errno(int sys_errno, std::string_view what);

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// The errno behind the error, or 0.
  [[nodiscard]] int sys_errno() const { return sys_errno_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  /// Never null; empty when the error is not about an API object.
  [[nodiscard]] const ErrorDetails& details() const;

  /// Returns the error with "<what>: " in front of its message.
  Error context(std::string_view what) &&;
  Error with_details(ErrorDetails details) &&;

 private:
  ErrorCode code_;
  int sys_errno_ = 0;
  std::string message_;
  std::shared_ptr<const ErrorDetails> details_;
};

/// "ENOENT" for ENOENT; "errno 999" for a number without a name.
std::string errno_name(int sys_errno);

}  // namespace hoplab
