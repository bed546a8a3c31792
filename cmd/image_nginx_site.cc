#include "cmd/image_nginx_site.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iomanip>
#include <sstream>

#include "cmd/image_web.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr std::pair<std::string_view, std::string_view> media_types[] = {
    {".html", "text/html"},        {".htm", "text/html"},
    {".css", "text/css"},          {".js", "application/javascript"},
    {".json", "application/json"}, {".txt", "text/plain"},
    {".xml", "text/xml"},          {".svg", "image/svg+xml"},
    {".png", "image/png"},         {".jpg", "image/jpeg"},
    {".gif", "image/gif"},         {".ico", "image/x-icon"},
    {".pdf", "application/pdf"},
};

std::string_view reason_of(int status) {
  switch (status) {
    case 301:
      return "Moved Permanently";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Not Allowed";
    case 413:
      return "Request Entity Too Large";
    default:
      return "Internal Server Error";
  }
}

web::HttpResponse page(int status) {
  web::HttpResponse response;
  response.status = status;
  response.content_type = "text/html";
  response.body = nginx_status_page(status);
  return response;
}

/// nginx's: time of change and size in hexadecimal.
std::string entity_tag(const struct stat& info) {
  std::ostringstream out;
  out << '"' << std::hex << info.st_mtim.tv_sec << '-' << info.st_size << '"';
  return out.str();
}

/// False for a path that leaves the root.
bool stays_inside(std::string_view path) {
  int depth = 0;
  for (std::string_view part : split(path, '/')) {
    if (part == "..") --depth;
    if (!part.empty() && part != "." && part != "..") ++depth;
    if (depth < 0) return false;
  }
  return path.find('\0') == std::string_view::npos;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

/// In a log line a client must not be able to begin another line.
std::string printable(std::string_view text) {
  std::ostringstream out;
  for (char c : text) {
    if (c >= ' ' && c != '"' && c != '\x7f') {
      out << c;
    } else {
      out << "\\x" << std::uppercase << std::hex << std::setw(2) << std::setfill('0')
          << static_cast<int>(static_cast<unsigned char>(c)) << std::dec;
    }
  }
  return out.str();
}

}  // namespace

std::string_view nginx_media_type(std::string_view path) {
  for (const auto& [ending, type] : media_types) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string nginx_status_page(int status) {
  std::string title = str(status, " ", reason_of(status));
  return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
         "</h1></center>\r\n<hr><center>nginx/" + nginx_version +
         "</center>\r\n</body>\r\n</html>\r\n";
}

std::string nginx_log_line(WallTime now, std::string_view level, std::string_view text) {
  return str(format_time(now, "%Y/%m/%d %H:%M:%S"), " [", level, "] ", ::getpid(), "#", ::getpid(),
             ": ", text, "\n");
}

NginxSite::NginxSite(std::string root, int access_log, int error_log)
    : root_(std::move(root)), access_log_(access_log), error_log_(error_log) {}

web::HttpResponse NginxSite::handle(const web::HttpRequest& request) {
  web::HttpResponse response = answer(request);
  response.headers.emplace("Server", str("nginx/", nginx_version));
  response.headers.emplace("Date", http_date(clock_.wall()));
  if (to_lower(request.header("Connection")) != "close") {
    response.headers.emplace("Connection", "keep-alive");
  }
  log_access(request, response);
  return response;
}

web::HttpResponse NginxSite::refuse(const Error&, int status) {
  web::HttpResponse response = page(status);
  response.headers.emplace("Server", str("nginx/", nginx_version));
  response.headers.emplace("Date", http_date(clock_.wall()));
  return response;
}

web::HttpResponse NginxSite::answer(const web::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return page(405);
  if (!stays_inside(request.path)) return page(400);
  std::string path = root_ + request.path;
  struct stat info {};
  if (path.ends_with('/')) {
    for (const char* index : {"index.html", "index.htm"}) {
      if (::stat((path + index).c_str(), &info) == 0) return serve_file(request, path + index);
    }
    bool exists = ::stat(path.c_str(), &info) == 0;
    if (exists) {
      return complain(request, 403,
                      str("directory index of \"", printable(path), "\" is forbidden"));
    }
    return complain(request, 404,
                    str("\"", printable(path),
                        "index.html\" is not found (2: No such file or "
                        "directory)"));
  }
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    web::HttpResponse response = page(301);
    response.headers.emplace("Location", "http://" + request.header("Host") + request.path + "/");
    return response;
  }
  return serve_file(request, path);
}

web::HttpResponse NginxSite::serve_file(const web::HttpRequest& request, const std::string& path) {
  struct stat info {};
  auto fd = open_fd(path, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    int error = fd.error().sys_errno();
    return complain(
        request, error == EACCES ? 403 : 404,
        str("open() \"", printable(path), "\" failed (", error, ": ", std::strerror(error), ")"));
  }
  if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) return page(404);
  auto text = read_all(fd->get());
  if (!text) return complain(request, 500, text.error().message());
  WallTime changed{std::chrono::seconds(info.st_mtim.tv_sec)};
  web::HttpResponse response;
  response.content_type = nginx_media_type(path);
  response.headers.emplace("Last-Modified", http_date(changed));
  response.headers.emplace("ETag", entity_tag(info));
  bool unchanged = request.header("If-None-Match") == entity_tag(info) ||
                   (request.header("If-None-Match").empty() &&
                    request.header("If-Modified-Since") == http_date(changed));
  if (unchanged) {
    response.status = 304;
    return response;
  }
  response.headers.emplace("Accept-Ranges", "bytes");
  response.body = *std::move(text);
  return response;
}

web::HttpResponse NginxSite::complain(const web::HttpRequest& request, int status,
                                      const std::string& what) {
  static std::atomic<uint64_t> number{0};
  std::string line =
      nginx_log_line(clock_.wall(), "error",
                     str("*", ++number, " ", what, ", client: ", request.peer.address,
                         ", server: localhost, request: \"", printable(request.method), " ",
                         printable(request.target), " HTTP/1.1\", host: \"",
                         printable(request.header("Host")), "\""));
  (void)write_all(error_log_, line).ok();
  return page(status);
}

void NginxSite::log_access(const web::HttpRequest& request, const web::HttpResponse& response) {
  std::string line =
      str(request.peer.address, " - - [", format_time(clock_.wall(), "%d/%b/%Y:%H:%M:%S +0000"),
          "] \"", printable(request.method), " ", printable(request.target), " HTTP/1.1\" ",
          response.status, " ", request.method == "HEAD" ? 0 : response.body.size(), " \"",
          or_dash(printable(request.header("Referer"))), "\" \"",
          or_dash(printable(request.header("User-Agent"))), "\" \"",
          or_dash(printable(request.header("X-Forwarded-For"))), "\"\n");
  (void)write_all(access_log_, line).ok();
}

}  // namespace hoplab::cmd
