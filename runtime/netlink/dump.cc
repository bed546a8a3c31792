#include "runtime/netlink/dump.h"

#include <linux/rtnetlink.h>

#include "runtime/netlink/collect.h"
#include "runtime/netlink/messages.h"
#include "runtime/netlink/parse.h"

namespace hoplab {
namespace {

template <typename Value>
void add_if(std::vector<Value>& out, std::optional<Value> value) {
  if (value) out.push_back(std::move(*value));
}

Result<std::vector<Neighbor>> neighbors(NetlinkSocket& socket, DumpKind kind) {
  return collect<Neighbor>(socket, build_dump(kind), RTM_NEWNEIGH,
                           [](const auto& header, const auto& names, auto& out) {
                             add_if(out, parse_neighbor(header, names));
                           });
}

}  // namespace

Result<std::vector<Link>> dump_links(NetlinkSocket& socket) {
  return collect<Link>(socket, build_dump(DumpKind::links), RTM_NEWLINK,
                       [](const auto& header, const auto& names, auto& out) {
                         add_if(out, parse_link(header, names));
                       })
      .context("listing links");
}

Result<std::vector<Address>> dump_addresses(NetlinkSocket& socket) {
  return collect<Address>(socket, build_dump(DumpKind::addresses), RTM_NEWADDR,
                          [](const auto& header, const auto& names, auto& out) {
                            add_if(out, parse_address(header, names));
                          })
      .context("listing addresses");
}

Result<std::vector<Route>> dump_routes(NetlinkSocket& socket, RouteTables tables) {
  const auto kind = tables == RouteTables::main ? DumpKind::main_routes : DumpKind::all_routes;
  return collect<Route>(socket, build_dump(kind), RTM_NEWROUTE,
                        [tables](const auto& header, const auto& names, auto& out) {
                          for (auto& route : parse_routes(header, names)) {
                            // Kernels before 4.20 ignore the filter in the request.
                            if (tables == RouteTables::main && route.table != RT_TABLE_MAIN)
                              continue;
                            out.push_back(std::move(route));
                          }
                        })
      .context("listing routes");
}

Result<std::vector<Neighbor>> dump_neighbors(NetlinkSocket& socket) {
  HOP_TRY(auto out, neighbors(socket, DumpKind::neighbors).context("listing neighbors"));
  HOP_TRY(auto proxies,
          neighbors(socket, DumpKind::proxy_neighbors).context("listing proxy neighbors"));
  out.insert(out.end(), std::make_move_iterator(proxies.begin()),
             std::make_move_iterator(proxies.end()));
  return out;
}

}  // namespace hoplab
