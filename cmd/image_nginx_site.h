#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "web/http_server.h"

namespace hoplab::cmd {

inline constexpr const char* nginx_version = "1.21.6";

/// Serves the files below a directory, with the answers, headers, error pages and log lines that
/// people know from nginx with its default configuration. Thread-safe.
class NginxSite : public web::HttpHandler {
 public:
  /// Log lines go to two descriptors, which are not owned.
  NginxSite(std::string root, int access_log, int error_log);

  web::HttpResponse handle(const web::HttpRequest& request) override;
  web::HttpResponse refuse(const Error& error, int status) override;

 private:
  web::HttpResponse answer(const web::HttpRequest& request);
  web::HttpResponse serve_file(const web::HttpRequest& request, const std::string& path);
  web::HttpResponse complain(const web::HttpRequest& request, int status, const std::string& what);
  void log_access(const web::HttpRequest& request, const web::HttpResponse& response);

  std::string root_;
  int access_log_;
  int error_log_;
  SystemClock clock_;
};

/// The media type by the name's ending.
std::string_view nginx_media_type(std::string_view path);
/// nginx's own error page.
std::string nginx_status_page(int status);
/// "2026/11/23 05:00:00 [notice] 7#7: text"
std::string nginx_log_line(WallTime now, std::string_view level, std::string_view text);

}  // namespace hoplab::cmd
