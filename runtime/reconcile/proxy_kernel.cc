#include "runtime/reconcile/proxy_kernel.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/plan/services.h"

namespace hoplab::reconcile {

namespace {

constexpr int listen_backlog = 4096;

/// As Go's net.Listen does it for kube-proxy: SO_REUSEADDR, so that connections of an earlier
/// owner in TIME_WAIT do not stand in the way.
Result<Fd> open_port(NodePort wanted) {
  const bool tcp = wanted.protocol == protocol::tcp;
  const std::string what = str("holding node port ", wanted.port, tcp ? "/tcp" : "/udp");
  Fd fd(::socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, what);
  const int on = 1;
  if (tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(wanted.port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0 ||  // NOLINT
      (tcp && ::listen(fd.get(), listen_backlog) < 0)) {
    Error error = Error::from_errno(errno, what);
    if (error.sys_errno() != EADDRINUSE) return error;
    return Error(error.code(),
                 str(error.message(),
                     "; another process of this node listens there and is out of "
                     "reach, because the service's rules come first; ss -lnp 'sport = :",
                     wanted.port, "' names it"));
  }
  return fd;
}

class NodeKernel final : public ProxyKernel {
 public:
  NodeKernel(nft::Firewall firewall, NetlinkSocket conntrack)
      : firewall_(std::move(firewall)), conntrack_(std::move(conntrack)) {}

  Result<nft::ApplyReport> sync(const Ruleset& desired) override { return firewall_.sync(desired); }
  Result<nft::ApplyReport> update(const Ruleset& changed, const ChainKeys& removed) override {
    return firewall_.update(changed, removed);
  }

  std::vector<std::string> hold_ports(const std::set<NodePort>& ports) override {
    std::vector<std::string> problems;
    std::erase_if(held_, [&](const auto& held) { return !ports.contains(held.first); });
    for (const NodePort& port : ports) {
      if (held_.contains(port)) continue;
      auto fd = open_port(port);
      if (fd) {
        held_.emplace(port, *std::move(fd));
      } else {
        problems.push_back(fd.error().message());
      }
    }
    return problems;
  }

  Result<size_t> forget_flows(const std::vector<ConntrackFilter>& flows) override {
    return delete_conntrack(conntrack_, flows);
  }

  std::vector<std::string> prepare() override {
    std::vector<std::string> problems;
    // A NodePort is reachable at 127.0.0.1, too: its packets leave through another interface.
    for (const auto& [key, value] : {std::pair("net/ipv4/conf/all/route_localnet", "1"),
                                     std::pair("net/ipv4/ip_forward", "1")}) {
      if (auto now = read_sysctl_here(key); now && *now == value) continue;
      if (auto written = write_sysctl_here(key, value); !written) {
        problems.push_back(written.error().message());
      }
    }
    return problems;
  }

 private:
  nft::Firewall firewall_;
  NetlinkSocket conntrack_;
  std::map<NodePort, Fd> held_;
};

}  // namespace

Result<std::unique_ptr<ProxyKernel>> make_proxy_kernel() {
  HOP_TRY(auto firewall, nft::Firewall::open({"kube-proxy", plan::service_chain_prefixes()}));
  HOP_TRY(auto conntrack, NetlinkSocket::open(NetlinkSocket::Family::netfilter));
  return std::unique_ptr<ProxyKernel>(
      std::make_unique<NodeKernel>(std::move(firewall), std::move(conntrack)));
}

}  // namespace hoplab::reconcile
