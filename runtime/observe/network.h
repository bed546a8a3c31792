#pragma once

#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/link.h"
#include "runtime/model/route.h"

namespace hoplab {

/// What one network namespace has, as one value. The four lists are read one after the other; a
/// change in between can show in one and not in another.
struct NetworkState {
  std::vector<Link> links;
  std::vector<Address> addresses;
  std::vector<Route> routes;  ///< Of all tables.
  std::vector<Neighbor> neighbors;

  /// The link with this name, or null.
  [[nodiscard]] const Link* link(std::string_view name) const;
  /// The routes of the main table, as `ip route` shows.
  [[nodiscard]] std::vector<Route> main_routes() const;
};

/// Reads the namespace behind the descriptor. Any thread; it is back in its own namespace on
/// return. About 0.1 ms for a small namespace.
Result<NetworkState> observe_network(int netns_fd);

}  // namespace hoplab
