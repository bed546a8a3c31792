#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/block_routes.h"
#include "runtime/tunnel/packet.h"
#include "runtime/tunnel/tunnel.h"
#include "tests/kernel/running_tunnel.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab::test {

/// What passes a link. Each call takes what was seen since the one before.
class Capture {
 public:
  Capture(int netns_fd, const std::string& link);

  using Packets = std::vector<std::vector<uint8_t>>;
  /// IPv4 packets.
  Packets packets();
  /// Of them the outer ones of protocol 4.
  Packets tunnelled();
  /// How often somebody has asked for this neighbor.
  int arp_requests(Ipv4 target);

 private:
  Fd socket_;
};

struct TestNode {
  std::string name;
  Prefix address;
  Ipv4 router;
  Prefix block;
  Fd netns;
  Fd pod;
  Ipv4 pod_ip;
};

/// Two nodes on different sides of a router (the test's own namespace), a pod on each, wired by the
/// plans, tunnels of one variant running. Skips where the machine does not allow the variant.
class CrossNode : public SandboxNetns {
 protected:
  void start(tunnel::Variant variant);

  TestNode make_node(const std::string& name, std::string_view address, std::string_view router,
                     std::string_view block, const std::string& router_link);
  [[nodiscard]] plan::BlockRoutesInput routes_input(const TestNode& node) const;
  void routes(const TestNode& node);
  static void wire_pod(const TestNode& node);
  void start_tunnel(std::unique_ptr<RunningTunnel>& tunnel, const TestNode& node);

  tunnel::Variant variant_ = tunnel::Variant::veth;
  TestNode w1_, w0_;
  std::unique_ptr<RunningTunnel> tunnel_w1_, tunnel_w0_;
};

/// A socket of the namespace that gives up after 5 s.
Fd socket_in(int netns_fd, int type);
sockaddr_in endpoint(Ipv4 ip, uint16_t port);

}  // namespace hoplab::test
