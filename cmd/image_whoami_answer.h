#pragma once

#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "web/http.h"

/// What traefik/whoami answers (facts/services.md 6.4). Pure.
namespace hoplab::cmd {

struct WhoamiIdentity {
  std::string name;  ///< WHOAMI_NAME or --name; empty = not shown.
  std::string hostname;
  std::vector<std::string> addresses;  ///< Loopback first.
};

/// "10.1.0.7:41234"
std::string remote_address(const web::HttpRequest& request);

/// The text of "/" and of every path without a meaning of its own.
std::string whoami_text(const WhoamiIdentity& identity, const web::HttpRequest& request);
/// The JSON of "/api", keys in whoami's own order.
std::string whoami_api(const WhoamiIdentity& identity, const web::HttpRequest& request);

/// A duration as Go writes it: "1.5s", "200ms", "1m30s". Nullopt when it is none.
std::optional<Millis> parse_go_duration(std::string_view text);

/// "/data?size=2&unit=kb": how many bytes (bounded by 1 GiB), and the part of them at an offset.
int64_t whoami_data_size(const web::HttpRequest& request);
std::string whoami_data(int64_t total, int64_t offset, int64_t length);

}  // namespace hoplab::cmd
