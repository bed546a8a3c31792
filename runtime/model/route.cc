#include "runtime/model/route.h"

#include <array>
#include <string_view>
#include <utility>

namespace hoplab {
namespace {

// The names of iproute2's rt_protos file; `ip` prints any other number as it is.
constexpr std::array<std::pair<uint8_t, std::string_view>, 22> protocols{{
    {0, "unspec"},    {1, "redirect"}, {2, "kernel"}, {3, "boot"},   {4, "static"},
    {8, "gated"},     {9, "ra"},       {10, "mrt"},   {11, "zebra"}, {12, "bird"},
    {13, "dnrouted"}, {14, "xorp"},    {15, "ntk"},   {16, "dhcp"},  {18, "keepalived"},
    {42, "babel"},    {99, "openr"},   {186, "bgp"},  {187, "isis"}, {188, "ospf"},
    {189, "rip"},     {192, "eigrp"},
}};

constexpr uint32_t table_default = 253, table_main = 254, table_local = 255;

std::string_view type_name(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return "unicast";
    case RouteType::blackhole:
      return "blackhole";
    case RouteType::unreachable:
      return "unreachable";
    case RouteType::prohibit:
      return "prohibit";
    case RouteType::throw_:
      return "throw";
    case RouteType::local:
      return "local";
    case RouteType::broadcast:
      return "broadcast";
    case RouteType::other:
      break;
  }
  return "other";
}

std::string table_name(uint32_t table) {
  if (table == table_default) return "default";
  if (table == table_local) return "local";
  return std::to_string(table);
}

std::string destination_text(const Prefix& destination) {
  if (destination.length() == 0 && destination.address().is_unspecified()) return "default";
  return destination.length() == 32 ? to_string(destination.address()) : to_string(destination);
}

}  // namespace

std::string route_protocol_name(uint8_t protocol) {
  for (const auto& [number, name] : protocols) {
    if (number == protocol) return std::string(name);
  }
  return std::to_string(protocol);
}

// The order is iproute2's print_route().
std::string to_string(const Route& route) {
  std::string out;
  if (route.type != RouteType::unicast) out.append(type_name(route.type)).append(" ");
  out += destination_text(route.destination);
  if (route.gateway) out += " via " + to_string(*route.gateway);
  if (!route.link.empty()) out += " dev " + route.link;
  if (route.table != table_main) out += " table " + table_name(route.table);
  if (route.protocol != route_protocol::boot)
    out += " proto " + route_protocol_name(route.protocol);
  if (route.scope == RouteScope::link) out += " scope link";
  if (route.scope == RouteScope::host) out += " scope host";
  if (route.source) out += " src " + to_string(*route.source);
  if (route.metric != 0) out += " metric " + std::to_string(route.metric);
  if (route.onlink) out += " onlink";
  return out;
}

}  // namespace hoplab
