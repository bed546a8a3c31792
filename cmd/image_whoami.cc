// The program of the built-in image traefik/whoami.

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include "cmd/command.h"
#include "cmd/image_web.h"
#include "cmd/image_whoami_answer.h"
#include "cmd/options.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr const char* plain_text = "text/plain; charset=utf-8";

/// Every address by interface index, IPv4 before IPv6, as Go's net.Interfaces lists them.
std::vector<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, ::freeifaddrs);
  std::multimap<std::pair<unsigned, int>, std::string> sorted;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const void* address =
        family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(at->ifa_addr)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, address, text.data(), text.size());
    sorted.insert({{::if_nametoindex(at->ifa_name), family}, text.data()});
  }
  std::vector<std::string> out;
  for (auto& [key, address] : sorted) out.push_back(std::move(address));
  return out;
}

class Whoami : public web::HttpHandler {
 public:
  Whoami(std::string name, bool verbose) : name_(std::move(name)), verbose_(verbose) {}

  web::HttpResponse handle(const web::HttpRequest& request) override {
    web::HttpResponse response = answer(request);
    response.headers.emplace("Date", http_date(clock_.wall()));
    if (verbose_) {
      std::string line = str(remote_address(request), " - - [",
                             format_time(clock_.wall(), "%d/%b/%Y:%H:%M:%S +0000"), "] \"",
                             request.method, " ", request.path, " HTTP/1.1\" - -\n");
      (void)write_all(1, line).ok();
    }
    return response;
  }

 private:
  web::HttpResponse answer(const web::HttpRequest& request) {
    if (request.path == "/health") return health(request);
    if (request.path == "/bench") return with_type(web::text_response(200, "1"), "text/plain");
    if (request.path == "/data") return data(request);
    if (request.path == "/api") {
      return with_type(web::text_response(200, whoami_api(identity(), request)),
                       "application/json");
    }
    if (auto wait = parse_go_duration(request.query.get("wait")))
      std::this_thread::sleep_for(*wait);
    std::string text = whoami_text(identity(), request);
    if (request.query.flag("env")) {
      for (char** entry = environ; *entry != nullptr; ++entry) text += std::string(*entry) + "\n";
    }
    return with_type(web::text_response(200, std::move(text)), plain_text);
  }

  static web::HttpResponse with_type(web::HttpResponse response, const char* type) {
    response.content_type = type;
    return response;
  }

  [[nodiscard]] WhoamiIdentity identity() const {
    std::array<char, HOST_NAME_MAX + 1> hostname{};
    (void)::gethostname(hostname.data(), hostname.size() - 1);
    return {name_, hostname.data(), own_addresses()};
  }

  /// GET tells the status that the last POST has set (probes of a demonstration).
  web::HttpResponse health(const web::HttpRequest& request) {
    if (request.method != "POST") return with_type(web::text_response(health_, ""), plain_text);
    auto wanted = parse_json(request.body);
    if (!wanted || !wanted->is_number_integer() || *wanted < 200 || *wanted > 599) {
      return with_type(web::text_response(400, "expected a status code"), plain_text);
    }
    health_ = wanted->get<int>();
    (void)write_all(1, str("Update health check status code [", health_.load(), "]\n")).ok();
    return with_type(web::text_response(200, ""), plain_text);
  }

  static web::HttpResponse data(const web::HttpRequest& request) {
    static constexpr int64_t piece = 64 << 10;
    int64_t total = whoami_data_size(request);
    web::HttpResponse response;
    response.content_type = plain_text;
    if (request.query.flag("attachment")) {
      response.headers.emplace("Content-Disposition", "Attachment; filename=data.txt");
    }
    if (total <= piece) {
      response.body = whoami_data(total, 0, total);
      return response;
    }
    response.stream = [total](web::BodyWriter& out) {
      for (int64_t at = 0; at < total; at += piece) {
        if (!out.write(whoami_data(total, at, std::min(piece, total - at)))) return;
      }
    };
    return response;
  }

  std::string name_;
  bool verbose_;
  std::atomic<int> health_{200};
  SystemClock clock_;
};

std::string from_environment(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : fallback;
}

int run_image_whoami(const Invocation& invocation) {
  Options options("whoami", "[--port PORT] [--name NAME]",
                  "Tells who it is over HTTP: the program of the image traefik/whoami.");
  options
      .value("port", 'p', "PORT", "where to listen", from_environment("WHOAMI_PORT_NUMBER", "80"))
      .value("name", 'n', "NAME", "a name to show", from_environment("WHOAMI_NAME", ""))
      .flag("verbose", 'v', "log every request")
      .example("whoami --port 8080", "listen on another port");
  // Go's flags are written with one dash as often as with two.
  std::vector<std::string> args = invocation.args;
  for (std::string& arg : args) {
    for (const char* flag : {"-port", "-name", "-verbose"}) {
      if (arg.starts_with(flag)) arg.insert(0, "-");
    }
  }
  if (auto exit = options.parse(args)) return *exit;
  char* end = nullptr;
  unsigned long port = std::strtoul(options.get("port").c_str(), &end, 10);
  if (port == 0 || port > 65535 || *end != '\0') {
    return options.usage_error("\"" + options.get("port") + "\" is no port");
  }
  SystemClock clock;
  auto log = [&clock](const std::string& text) {
    std::cerr << format_time(clock.wall(), "%Y/%m/%d %H:%M:%S ") << text << std::endl;
  };
  log(str("Starting up on port ", port));
  auto listener = web::listen_tcp(Ipv4(), static_cast<uint16_t>(port));
  if (!listener) {
    log(listener.error().message());
    return exit_failure;
  }
  Whoami handler(options.get("name"), options.has("verbose"));
  auto ended = serve_until_signal(handler, *listener);
  return ended ? exit_ok : fail(ended.error());
}

}  // namespace

extern const Command whoami_command;
const Command whoami_command{"whoami", "the image traefik/whoami", run_image_whoami, true};

}  // namespace hoplab::cmd
