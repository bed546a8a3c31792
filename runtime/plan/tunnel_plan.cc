#include "runtime/plan/tunnel_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "runtime/base/text.h"

namespace hoplab::plan {

Mac tunnel_next_hop_mac(Ipv4 node) {
  const uint32_t value = node.value();
  return Mac{{0x02, 0x00, static_cast<uint8_t>(value >> 24U), static_cast<uint8_t>(value >> 16U),
              static_cast<uint8_t>(value >> 8U), static_cast<uint8_t>(value)}};
}

std::vector<Operation> plan_tunnel_link(const TunnelInput& input, const Link* link,
                                        const std::vector<Address>& observed) {
  std::vector<Operation> out;
  if (link == nullptr) return out;
  if (link->mtu != input.mtu) {
    LinkSet set;
    set.name = input.tunnel;
    set.mtu = input.mtu;
    out.push_back({input.netns, set, "room for the outer IP header of 20 bytes"});
  }
  bool present = false;
  for (const Address& address : observed) {
    if (address.link != input.tunnel) continue;
    if (address.prefix == input.address) {
      present = true;
    } else {
      out.push_back({input.netns, AddressDelete{address},
                     str(input.tunnel, " has only the address that IPAM gave it")});
    }
  }
  if (!present) {
    out.push_back({input.netns, AddressAdd{{input.tunnel, input.address, std::nullopt}},
                   "the node's own source address towards pods on other nodes"});
  }
  if (!link->up) {
    LinkSet set;
    set.name = input.tunnel;
    set.up = true;
    out.push_back({input.netns, set, "routes through a link need it up"});
  }
  return out;
}

bool tunnel_needs_neighbors(const Link& tunnel) {
  return tunnel.kind == LinkKind::veth && tunnel.arp;
}

std::vector<Operation> plan_tunnel_neighbors(const BlockRoutesInput& input,
                                             const std::vector<Neighbor>& observed) {
  std::set<Ipv4> wanted;
  for (const Route& route : desired_block_routes(input)) {
    if (route.link == input.tunnel && route.gateway) wanted.insert(*route.gateway);
  }
  std::vector<Operation> out;
  std::set<Ipv4> present;
  std::vector<Operation> deletes;
  for (const Neighbor& neighbor : observed) {
    if (neighbor.link != input.tunnel || neighbor.proxy || !neighbor.mac) continue;
    if (*neighbor.mac != tunnel_next_hop_mac(neighbor.ip) || !neighbor.permanent) continue;
    if (wanted.contains(neighbor.ip)) {
      present.insert(neighbor.ip);
    } else {
      deletes.push_back({input.netns, NeighborDelete{neighbor},
                         str("no block is behind ", to_string(neighbor.ip), " any more")});
    }
  }
  for (const Ipv4 ip : wanted) {
    if (present.contains(ip)) continue;
    Neighbor neighbor;
    neighbor.link = input.tunnel;
    neighbor.ip = ip;
    neighbor.mac = tunnel_next_hop_mac(ip);
    neighbor.permanent = true;
    out.push_back({input.netns, NeighborReplace{neighbor},
                   str("tells the tunnel process, in the frame's destination, which node a packet "
                       "goes to")});
  }
  std::move(deletes.begin(), deletes.end(), std::back_inserter(out));
  return out;
}

}  // namespace hoplab::plan
