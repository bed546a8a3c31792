#pragma once

#include <memory>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "web/http_server.h"

/// What the web servers of the built-in images share.
namespace hoplab::cmd {

/// "Mon, 23 Nov 2026 05:00:00 GMT"
std::string http_date(WallTime time);
/// A time by a strftime pattern, in UTC.
std::string format_time(WallTime time, const char* pattern);

/// Serves until a signal arrives; returns its number. Handles SIGTERM, SIGINT and SIGQUIT, also as
/// pid 1, where they would be ignored otherwise.
Result<int> serve_until_signal(web::HttpHandler& handler, const Fd& listener);

}  // namespace hoplab::cmd
