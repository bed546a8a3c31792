#include "runtime/plan/services.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

const char* const mark_masquerade = "KUBE-MARK-MASQ";

/// Writes the rules of one service port, in the order in which kube-proxy 1.22 does.
class PortWriter {
 public:
  PortWriter(const ProxyConfig& config, const ServicePort& port, bool with_comments)
      : config_(config),
        port_(port),
        text_(to_string(port.name)),
        with_comments_(with_comments),
        service_{service_chain("KUBE-SVC-", port.name, port.protocol), {}, {}},
        local_{service_chain("KUBE-XLB-", port.name, port.protocol), {}, {}},
        firewall_{service_chain("KUBE-FW-", port.name, port.protocol), {}, {}} {
    for (const ServiceEndpoint& endpoint : port.endpoints) {
      if (port.internal_local && endpoint.node != config.node) continue;
      endpoints_.push_back(endpoint);
      chains_.push_back(endpoint_chain(port.name, port.protocol, endpoint));
    }
  }

  PortRules write() {
    if (endpoints_.empty()) {
      refuse();
    } else {
      write_cluster_ip();
      write_external_ips();
      write_load_balancer();
      write_node_port();
      write_balancing(service_, all_endpoints(), "");
      if (port_.external_local) write_local();
      collect_chains();
    }
    write_health_check();
    return std::move(out_);
  }

 private:
  /// A rule of this port: protocol, comment, then ports, as iptables-save shows them.
  [[nodiscard]] Rule rule(std::string comment, Target target) const {
    Rule rule;
    rule.protocol = ProtocolMatch{port_.protocol, false};
    rule.matches.reserve(2);  // Most get a port.
    rule.matches.emplace_back(CommentMatch{std::move(comment)});
    rule.target = std::move(target);
    return rule;
  }
  [[nodiscard]] Rule rule_to(uint16_t number, std::string comment, Target target) const {
    Rule made = rule(std::move(comment), std::move(target));
    made.matches.emplace_back(PortMatch{{}, PortTest{PortRange::one(number), false}});
    return made;
  }
  [[nodiscard]] Rule rule_to(Ipv4 ip, std::string comment, Target target) const {
    Rule made = rule_to(port_.port, std::move(comment), std::move(target));
    made.destination = AddressMatch{Prefix::host(ip), false};
    return made;
  }
  static Rule plain(std::string comment, Target target) {
    Rule made;
    made.matches.emplace_back(CommentMatch{std::move(comment)});
    made.target = std::move(target);
    return made;
  }

  void refuse() {
    const std::string comment = text_ + " has no endpoints";
    out_.filter_services.push_back(rule_to(port_.cluster_ip, comment, Reject{}));
    for (Ipv4 ip : port_.external_ips) {
      out_.filter_external_services.push_back(rule_to(ip, comment, Reject{}));
    }
    for (Ipv4 ip : port_.load_balancer_ips) {
      out_.filter_external_services.push_back(rule_to(ip, comment, Reject{}));
    }
    if (port_.node_port == 0) return;
    Rule reject = rule(comment, Reject{});
    reject.matches.emplace_back(LocalAddressMatch{});
    reject.matches.emplace_back(PortMatch{{}, PortTest{PortRange::one(port_.node_port), false}});
    out_.filter_external_services.push_back(reject);
  }

  /// Whatever comes from outside the pod network may be answered by a pod of another node: its
  /// source must become this node, or the reply would not come back the same way.
  void masquerade(Rule to_vip, bool also_pods) {
    to_vip.target = Jump{mark_masquerade};
    if (!also_pods) to_vip.source = AddressMatch{config_.cluster_cidr, true};
    service_.rules.push_back(std::move(to_vip));
  }

  void write_cluster_ip() {
    const Rule portal = rule_to(port_.cluster_ip, text_ + " cluster IP", Jump{service_.name});
    masquerade(portal, config_.masquerade_all);
    out_.nat_services.push_back(portal);
  }

  void write_external_ips() {
    for (Ipv4 ip : port_.external_ips) {
      Rule portal = rule_to(ip, text_ + " external IP", Jump{service_.name});
      if (port_.external_local) {
        portal.target = Jump{local_.name};
      } else {
        masquerade(portal, false);  // Of kube-proxy, too: --masquerade-all is about cluster IPs.
      }
      out_.nat_services.push_back(std::move(portal));
    }
  }

  void write_load_balancer() {
    const std::string comment = text_ + " loadbalancer IP";
    const std::string& chosen = port_.external_local ? local_.name : service_.name;
    for (Ipv4 ip : port_.load_balancer_ips) {
      out_.nat_services.push_back(rule_to(ip, comment, Jump{firewall_.name}));
      if (!port_.external_local) firewall_.rules.push_back(plain(comment, Jump{mark_masquerade}));
      bool from_node = false;
      for (const Prefix& range : port_.source_ranges) {
        Rule allowed = plain(comment, Jump{chosen});
        allowed.source = AddressMatch{range.masked(), false};
        firewall_.rules.push_back(std::move(allowed));
        from_node = from_node || range.contains(config_.node_ip);
      }
      if (port_.source_ranges.empty()) firewall_.rules.push_back(plain(comment, Jump{chosen}));
      if (from_node) {
        // A request of the node itself to the balancer never leaves the node.
        Rule own = plain(comment, Jump{chosen});
        own.source = AddressMatch{Prefix::host(ip), false};
        firewall_.rules.push_back(std::move(own));
      }
      firewall_.rules.push_back(plain(comment, Jump{"KUBE-MARK-DROP"}));
    }
  }

  void write_node_port() {
    if (port_.node_port == 0) return;
    Rule portal = rule_to(port_.node_port, text_, Jump{mark_masquerade});
    if (port_.external_local) {
      // A reply to 127.0.0.1 could not come back from another interface.
      Rule from_loopback = portal;
      from_loopback.source = AddressMatch{Prefix(Ipv4(127, 0, 0, 0), 8), false};
      out_.nat_node_ports.push_back(std::move(from_loopback));
    } else {
      service_.rules.push_back(portal);
    }
    portal.target = Jump{port_.external_local ? local_.name : service_.name};
    out_.nat_node_ports.push_back(std::move(portal));
  }

  void write_local() {
    Rule pods = plain("Redirect pods trying to reach external loadbalancer VIP to clusterIP",
                      Jump{service_.name});
    pods.source = AddressMatch{config_.cluster_cidr, false};
    Rule masquerade =
        plain("masquerade LOCAL traffic for " + text_ + " LB IP", Jump{mark_masquerade});
    Rule route =
        plain("route LOCAL traffic for " + text_ + " LB IP to service chain", Jump{service_.name});
    masquerade.matches.emplace_back(LocalAddressMatch{.source = true});
    route.matches.emplace_back(LocalAddressMatch{.source = true});
    local_.rules = {std::move(pods), std::move(masquerade), std::move(route)};
    std::vector<size_t> here;
    for (size_t i = 0; i < endpoints_.size(); ++i) {
      if (endpoints_[i].node == config_.node) here.push_back(i);
    }
    if (here.empty()) {
      local_.rules.push_back(plain(text_ + " has no local endpoints", Jump{"KUBE-MARK-DROP"}));
      return;
    }
    write_balancing(local_, here, "Balancing rule ");
  }

  [[nodiscard]] std::vector<size_t> all_endpoints() const {
    std::vector<size_t> all(endpoints_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }

  [[nodiscard]] std::vector<Match> endpoint_comment() const {
    if (!with_comments_) return {};
    return {CommentMatch{text_}};
  }

  /// Clients that were here lately go where they went; the others draw lots. `numbered` is the
  /// start of the comments of a local chain, which has them in clusters of any size.
  void write_balancing(Chain& chain, const std::vector<size_t>& chosen, const char* numbered) {
    const bool local = *numbered != '\0';
    if (port_.affinity_seconds != 0) {
      for (size_t i : chosen) {
        Rule known;
        known.matches = local ? std::vector<Match>{CommentMatch{text_}} : endpoint_comment();
        known.matches.emplace_back(RecentMatch{chains_[i], false, port_.affinity_seconds, true});
        known.target = Jump{chains_[i]};
        chain.rules.push_back(std::move(known));
      }
    }
    for (size_t n = 0; n < chosen.size(); ++n) {
      Rule draw;
      draw.matches = endpoint_comment();
      if (local) draw.matches = {CommentMatch{str(numbered, n, " for ", text_)}};
      const size_t left = chosen.size() - n;
      if (left > 1) draw.matches.emplace_back(RandomMatch::one_in(static_cast<unsigned>(left)));
      draw.target = Jump{chains_[chosen[n]]};
      chain.rules.push_back(std::move(draw));
    }
  }

  [[nodiscard]] Chain endpoint(size_t i) const {
    const ServiceEndpoint& to = endpoints_[i];
    Rule hairpin;  // A pod that reaches itself through the service must not answer itself directly.
    hairpin.source = AddressMatch{Prefix::host(to.ip), false};
    hairpin.matches = endpoint_comment();
    hairpin.target = Jump{mark_masquerade};
    Rule translate;
    translate.protocol = ProtocolMatch{port_.protocol, false};
    translate.matches = endpoint_comment();
    if (port_.affinity_seconds != 0) {
      translate.matches.emplace_back(RecentMatch{chains_[i], true, 0, false});
    }
    translate.matches.emplace_back(PortMatch{});
    translate.target = Dnat{to.ip, to.port};
    return {chains_[i], {}, {std::move(hairpin), std::move(translate)}};
  }

  void collect_chains() {
    out_.nat_chains.push_back(std::move(service_));
    if (!firewall_.rules.empty()) out_.nat_chains.push_back(std::move(firewall_));
    if (!local_.rules.empty()) out_.nat_chains.push_back(std::move(local_));
    for (size_t i = 0; i < endpoints_.size(); ++i) out_.nat_chains.push_back(endpoint(i));
  }

  void write_health_check() {
    if (port_.health_check_port == 0) return;
    Rule accept = rule_to(port_.health_check_port, text_ + " health check node port", Accept{});
    accept.protocol = ProtocolMatch{protocol::tcp, false};
    out_.filter_node_ports.push_back(std::move(accept));
  }

  const ProxyConfig& config_;
  const ServicePort& port_;
  const std::string text_;
  const bool with_comments_;
  std::vector<ServiceEndpoint> endpoints_;
  std::vector<std::string> chains_;  ///< Names, one per endpoint.
  Chain service_;
  Chain local_;
  Chain firewall_;
  PortRules out_;
};

}  // namespace

PortRules rules_for_port(const ProxyConfig& config, const ServicePort& port, bool with_comments) {
  return PortWriter(config, port, with_comments).write();
}

Ruleset service_rules(const ProxyConfig& config, const std::vector<ServicePort>& ports) {
  std::map<std::pair<std::string, std::string>, std::vector<ServicePort>> services;
  for (const ServicePort& port : ports) {
    services[{port.name.namespace_name, port.name.name}].push_back(port);
  }
  ServiceRules all(config);
  for (auto& [key, own] : services) all.set(key.first, key.second, std::move(own));
  return all.rules();
}

}  // namespace hoplab::plan
