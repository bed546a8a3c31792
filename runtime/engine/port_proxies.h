#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/engine/types.h"

namespace hoplab::engine {

/// One `docker-proxy` process per published port: it keeps the port from others, and it carries
/// what rules do not translate (connections to 127.0.0.1). A proxy ends when its standard input
/// does, so none outlives the engine. One thread at a time.
class PortProxies {
 public:
  explicit PortProxies(std::string executable) : executable_(std::move(executable)) {}

  /// Takes the host's ports and starts their proxies; `ports` get the numbers that were chosen. All
  /// or nothing; the error is docker's ("Bind for 0.0.0.0:80 failed: port is already allocated").
  Result<void> open(const std::string& container_id, Ipv4 container_ip,
                    std::vector<PublishedPort>& ports);
  /// Fine when there are none.
  void close(const std::string& container_id);

 private:
  class Proxy {
   public:
    Proxy(pid_t pid, Fd control) : pid_(pid), control_(std::move(control)) {}
    Proxy(Proxy&& other) noexcept
        : pid_(std::exchange(other.pid_, 0)), control_(std::move(other.control_)) {}
    Proxy& operator=(Proxy&&) = delete;
    ~Proxy();  ///< Ends it; its port is free afterwards.

   private:
    pid_t pid_;
    Fd control_;  ///< Write end of its standard input.
  };

  Result<Fd> take_port(PublishedPort& port) const;
  Result<Proxy> start(const PublishedPort& port, Ipv4 container_ip, const Fd& listener) const;

  std::string executable_;
  std::map<std::string, std::vector<Proxy>> proxies_;
};

}  // namespace hoplab::engine
