#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/model/ruleset.h"
#include "runtime/netlink/conntrack.h"
#include "runtime/nft/firewall.h"

namespace hoplab::reconcile {

/// A NodePort as a socket: protocol (tcp or udp) and port.
struct NodePort {
  uint8_t protocol = 0;
  uint16_t port = 0;
  auto operator<=>(const NodePort&) const = default;
};

/// What kube-proxy does to its node. Two implementations: the kernel's (make_proxy_kernel) and the
/// tests'. One thread.
class ProxyKernel {
 public:
  using ChainKeys = std::vector<std::pair<std::string, std::string>>;

  ProxyKernel() = default;
  ProxyKernel(const ProxyKernel&) = delete;
  ProxyKernel& operator=(const ProxyKernel&) = delete;
  virtual ~ProxyKernel() = default;

  /// See nft::Firewall.
  virtual Result<nft::ApplyReport> sync(const Ruleset& desired) = 0;
  virtual Result<nft::ApplyReport> update(const Ruleset& changed, const ChainKeys& removed) = 0;

  /// Listens on exactly these ports, so that nobody else on the node can take them and `ss -ltnp`
  /// shows who has them; nothing is ever accepted, the rules are faster. Returns a sentence for
  /// each port that cannot be had.
  virtual std::vector<std::string> hold_ports(const std::set<NodePort>& ports) = 0;

  /// Deletes tracked flows; returns how many.
  virtual Result<size_t> forget_flows(const std::vector<ConntrackFilter>& flows) = 0;

  /// Kernel parameters that service NAT needs. Returns a sentence for each that cannot be set.
  virtual std::vector<std::string> prepare() = 0;
};

/// In the calling thread's network namespace.
Result<std::unique_ptr<ProxyKernel>> make_proxy_kernel();

}  // namespace hoplab::reconcile
