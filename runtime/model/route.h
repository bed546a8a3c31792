#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/ip.h"

namespace hoplab {

enum class RouteType { unicast, blackhole, unreachable, prohibit, throw_, local, broadcast, other };
enum class RouteScope { universe, link, host };

/// Route protocols as /etc/iproute2/rt_protos numbers them; other numbers are kept as they are.
namespace route_protocol {
inline constexpr uint8_t kernel = 2;
inline constexpr uint8_t boot = 3;
inline constexpr uint8_t static_ = 4;
inline constexpr uint8_t bird = 12;   ///< Calico's IPIP block routes (facts/calico.md 3).
inline constexpr uint8_t felix = 80;  ///< Calico's VXLAN block routes.
}  // namespace route_protocol

/// A route of one table, single path.
struct Route {
  Prefix destination;  ///< Host bits cleared; 0.0.0.0/0 is the default route.
  RouteType type = RouteType::unicast;
  std::optional<Ipv4> gateway;
  std::string link;  ///< Output device; empty for blackhole.
  std::optional<Ipv4> source;
  uint8_t protocol = route_protocol::boot;
  RouteScope scope = RouteScope::universe;
  bool onlink = false;
  uint32_t metric = 0;
  uint32_t table = 254;  ///< RT_TABLE_MAIN.
  auto operator<=>(const Route&) const = default;
};

/// "kernel", "boot", "bird", … or the number.
std::string route_protocol_name(uint8_t protocol);

/// As `ip route show table all` prints it: "172.16.184.0/24 via 192.168.10.102 dev tunl0 proto bird
/// onlink".
std::string to_string(const Route& route);

}  // namespace hoplab
