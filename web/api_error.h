#pragma once

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::web {

/// The HTTP status of an error in the API.
int http_status(const Error& error);
/// The Status object of an error, as a real API server sends it.
Json status_json(const Error& error);
/// Back from a Status object; `http_code` decides where it has no reason.
Error error_from_status(const Json& status, int http_code);

}  // namespace hoplab::web
