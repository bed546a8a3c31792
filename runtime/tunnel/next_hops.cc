#include "runtime/tunnel/next_hops.h"

#include <functional>
#include <map>

namespace hoplab::tunnel {

void NextHops::assign(const std::vector<Route>& routes, std::string_view link) {
  std::map<uint8_t, Level, std::greater<>> by_length;
  for (const Route& route : routes) {
    if (route.link != link || !route.gateway || route.type != RouteType::unicast) continue;
    Level& level = by_length[route.destination.length()];
    level.mask = route.destination.mask();
    level.networks[route.destination.network().value()] = *route.gateway;
  }
  levels_.clear();
  for (auto& [length, level] : by_length) levels_.push_back(std::move(level));
}

std::optional<Ipv4> NextHops::find(Ipv4 destination) const {
  for (const Level& level : levels_) {
    auto found = level.networks.find(destination.value() & level.mask);
    if (found != level.networks.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace hoplab::tunnel
