#include <algorithm>
#include <cerrno>
#include <iostream>

#include "cmd/kubectl.h"
#include "runtime/base/text.h"
#include "web/api_error.h"

namespace hoplab::cmd::kubectl {

namespace {

/// `The Service "web" is invalid: spec.ports[0].port: Invalid value: …`, one line for each mistake.
std::string invalid_text(const Error& error) {
  const ErrorDetails& details = error.details();
  if (details.causes.empty()) return error.message();
  std::string prefix = str("The ", details.resource, " \"", details.name, "\" is invalid: ");
  std::vector<std::string> lines;
  for (const ErrorCause& cause : details.causes) {
    std::string line = cause.field + ": " + cause.message;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return lines.size() == 1 ? prefix + lines[0] : prefix + "\n* " + join(lines, "\n* ");
}

bool is_local(ErrorCode code) {
  return code == ErrorCode::unsupported || code == ErrorCode::system ||
         code == ErrorCode::timed_out;
}

}  // namespace

Error local_error(std::string message) {
  return {ErrorCode::unsupported, std::move(message)};  // A code that no server sends.
}

Error usage_error(std::string_view verb, std::string_view message) {
  return local_error(str(message, "\nSee 'kubectl ", verb, " -h' for help and examples"));
}

std::string error_text(const Error& error, std::string_view server, bool one_of_several) {
  if (error.sys_errno() == ECONNREFUSED) {
    return str("The connection to the server ", server,
               " was refused - did you specify the right host or port?");
  }
  const std::string prefix =
      one_of_several || error.message().starts_with("error: ") ? "" : "error: ";
  if (error.sys_errno() != 0 || is_local(error.code())) return prefix + error.message();
  if (error.code() == ErrorCode::unavailable && error.details().resource.empty()) {
    return "Unable to connect to the server: " + error.message();
  }
  if (error.code() == ErrorCode::unauthorized) {
    return str("error: You must be logged in to the server (", error.message(), ")");
  }
  if (error.code() == ErrorCode::invalid && !error.details().causes.empty() && !one_of_several) {
    return invalid_text(error);
  }
  std::string reason = string_or(web::status_json(error), "reason");
  return str("Error from server (", reason, "): ", error.message());
}

namespace {

std::string server_of(const Session& session) {
  if (!session.client) return {};
  std::string server = session.client->config().server;
  if (auto scheme = server.find("://"); scheme != std::string::npos) server.erase(0, scheme + 3);
  return server;
}

}  // namespace

int print_error(const Session& session, const Error& error) {
  return print_errors(session, {error});
}

int print_errors(const Session& session, const std::vector<Error>& errors) {
  std::cout.flush();
  const std::string server = server_of(session);
  for (const Error& error : errors) {
    std::cerr << error_text(error, server, errors.size() > 1) << "\n";
  }
  return errors.empty() ? exit_ok : exit_failure;
}

}  // namespace hoplab::cmd::kubectl
