#include "runtime/base/error.h"

#include <string.h>

#include <cerrno>

namespace hoplab {

namespace {

ErrorCode code_of(int sys_errno) {
  switch (sys_errno) {
    case EPERM:
    case EACCES:
      return ErrorCode::forbidden;
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return ErrorCode::not_found;
    case EEXIST:
      return ErrorCode::already_exists;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ENOSYS:
      return ErrorCode::unsupported;
    case ETIMEDOUT:
      return ErrorCode::timed_out;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::system;
  }
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::bad_request:
      return "bad request";
    case ErrorCode::unauthorized:
      return "unauthorized";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::not_found:
      return "not found";
    case ErrorCode::method_not_allowed:
      return "method not allowed";
    case ErrorCode::already_exists:
      return "already exists";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::too_old:
      return "too old";
    case ErrorCode::too_large:
      return "too large";
    case ErrorCode::unsupported_media_type:
      return "unsupported media type";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::timed_out:
      return "timed out";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::internal:
      return "internal";
    case ErrorCode::system:
      return "system";
  }
  return "unknown";
}

std::string errno_name(int sys_errno) {
  const char* name = strerrorname_np(sys_errno);
  return name != nullptr ? name : "errno " + std::to_string(sys_errno);
}

Error Error::from_errno(int sys_errno, std::string_view what) {
  const char* text = strerrordesc_np(sys_errno);
  std::string message(what);
  message += ": ";
  message += text != nullptr ? text : "unknown error";
  message += " (" + errno_name(sys_errno) + ")";
  Error error(code_of(sys_errno), std::move(message));
  error.sys_errno_ = sys_errno;
  return error;
}

const ErrorDetails& Error::details() const {
  static const ErrorDetails none;
  return details_ ? *details_ : none;
}

Error Error::context(std::string_view what) && {
  message_.insert(0, ": ").insert(0, what);
  return std::move(*this);
}

Error Error::with_details(ErrorDetails details) && {
  details_ = std::make_shared<const ErrorDetails>(std::move(details));
  return std::move(*this);
}

}  // namespace hoplab
