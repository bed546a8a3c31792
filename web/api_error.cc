#include "web/api_error.h"

#include <array>

namespace hoplab::web {

namespace {

struct Row {
  ErrorCode code;
  int http;
  const char* reason;
};

// The first row of a code is how it is sent; the first row of a number is how it is read.
constexpr std::array rows{
    Row{ErrorCode::invalid, 422, "Invalid"},
    Row{ErrorCode::bad_request, 400, "BadRequest"},
    Row{ErrorCode::unauthorized, 401, "Unauthorized"},
    Row{ErrorCode::forbidden, 403, "Forbidden"},
    Row{ErrorCode::not_found, 404, "NotFound"},
    Row{ErrorCode::method_not_allowed, 405, "MethodNotAllowed"},
    Row{ErrorCode::conflict, 409, "Conflict"},
    Row{ErrorCode::already_exists, 409, "AlreadyExists"},
    Row{ErrorCode::too_old, 410, "Expired"},
    Row{ErrorCode::too_old, 410, "Gone"},
    Row{ErrorCode::too_large, 413, "RequestEntityTooLarge"},
    Row{ErrorCode::unsupported_media_type, 415, "UnsupportedMediaType"},
    Row{ErrorCode::timed_out, 504, "Timeout"},
    Row{ErrorCode::unavailable, 503, "ServiceUnavailable"},
    Row{ErrorCode::unavailable, 502, "ServiceUnavailable"},
    Row{ErrorCode::internal, 500, "InternalError"},
};

const Row& row_of(ErrorCode code) {
  for (const Row& row : rows) {
    if (row.code == code) return row;
  }
  return rows.back();
}

ErrorCode code_of(const std::string& reason, int http_code) {
  for (const Row& row : rows) {
    if (reason == row.reason) return row.code;
  }
  for (const Row& row : rows) {
    if (http_code == row.http) return row.code;
  }
  return http_code >= 500 ? ErrorCode::internal : ErrorCode::bad_request;
}

}  // namespace

int http_status(const Error& error) {
  return row_of(error.code()).http;
}

Json status_json(const Error& error) {
  const Row& row = row_of(error.code());
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},         {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", error.message()}, {"reason", row.reason},
                 {"code", row.http}};
  const ErrorDetails& known = error.details();
  Json details = Json::object();
  if (!known.name.empty()) details["name"] = known.name;
  if (!known.group.empty()) details["group"] = known.group;
  if (!known.resource.empty()) details["kind"] = known.resource;
  if (!known.uid.empty()) details["uid"] = known.uid;
  for (const ErrorCause& cause : known.causes) {
    details["causes"].push_back(
        {{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  }
  if (!details.empty()) status["details"] = std::move(details);
  return status;
}

Error error_from_status(const Json& status, int http_code) {
  if (string_or(status, "kind") != "Status") {
    std::string text = status.is_string() ? status.get<std::string>() : std::string();
    return {code_of("", http_code),
            "the server answered " + std::to_string(http_code) + (text.empty() ? "" : ": " + text)};
  }
  Error error(
      code_of(string_or(status, "reason"), static_cast<int>(int_or(status, "code", http_code))),
      string_or(status, "message"));
  const Json& details = member(status, "details");
  if (!details.is_object()) return error;
  ErrorDetails known;
  known.group = string_or(details, "group");
  known.resource = string_or(details, "kind");
  known.name = string_or(details, "name");
  known.uid = string_or(details, "uid");
  const Json& causes = member(details, "causes");
  for (const Json& cause : causes.is_array() ? causes : Json::array()) {
    known.causes.push_back(
        {string_or(cause, "field"), string_or(cause, "reason"), string_or(cause, "message")});
  }
  return std::move(error).with_details(std::move(known));
}

}  // namespace hoplab::web
