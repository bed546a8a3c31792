#include "runtime/observe/network.h"

#include <algorithm>
#include <iterator>

#include "runtime/netlink/dump.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

const Link* NetworkState::link(std::string_view name) const {
  auto at = std::find_if(links.begin(), links.end(),
                         [name](const Link& candidate) { return candidate.name == name; });
  return at == links.end() ? nullptr : &*at;
}

std::vector<Route> NetworkState::main_routes() const {
  constexpr uint32_t main_table = 254;
  std::vector<Route> out;
  std::copy_if(routes.begin(), routes.end(), std::back_inserter(out),
               [](const Route& route) { return route.table == main_table; });
  return out;
}

Result<NetworkState> observe_network(int netns_fd) {
  HOP_TRY(auto socket, NetlinkSocket::open_in(netns_fd));
  NetworkState state;
  HOP_TRY(state.links, dump_links(socket));
  HOP_TRY(state.addresses, dump_addresses(socket));
  HOP_TRY(state.routes, dump_routes(socket, RouteTables::all));
  HOP_TRY(state.neighbors, dump_neighbors(socket));
  return state;
}

}  // namespace hoplab
