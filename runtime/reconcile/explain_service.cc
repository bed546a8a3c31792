#include "runtime/reconcile/explain_service.h"

#include <cmath>

#include "runtime/base/text.h"
#include "runtime/nft/render_text.h"

namespace hoplab::reconcile {

namespace {

/// Collects the rules of one port.
class Explainer {
 public:
  Explainer(const plan::ServicePort& port, std::vector<ExplainedRule>& out)
      : text_(to_string(port.name)), port_(port), out_(out) {}

  void explain(const plan::PortRules& rules) {
    for (const Chain& chain : rules.nat_chains) {
      out_.push_back(
          {chain_reason(chain), "iptables -t nat -N " + chain.name, "nat", chain.name, {}});
    }
    for (const Chain& chain : rules.nat_chains) {
      for (const Rule& rule : chain.rules) add("nat", chain.name, rule, rule_reason(chain, rule));
    }
    add_all("nat", "KUBE-SERVICES", rules.nat_services,
            str("packets to an address of ", text_, " enter here"));
    add_all("nat", "KUBE-NODEPORTS", rules.nat_node_ports,
            str("packets to port ", port_.node_port, " of any node address go to ", text_));
    const std::string refused = str(text_, " has no endpoint: clients are told at once");
    add_all("filter", "KUBE-SERVICES", rules.filter_services, refused);
    add_all("filter", "KUBE-EXTERNAL-SERVICES", rules.filter_external_services, refused);
    add_all("filter", "KUBE-NODEPORTS", rules.filter_node_ports,
            str("load balancers ask port ", port_.health_check_port, " whether this node has ",
                "endpoints of ", text_));
  }

 private:
  void add(const std::string& table, const std::string& chain, const Rule& rule,
           const std::string& reason) {
    out_.push_back({reason, nft::to_command(table, chain, rule), table, chain, rule});
  }
  void add_all(const std::string& table, const std::string& chain, const std::vector<Rule>& rules,
               const std::string& reason) {
    for (const Rule& rule : rules) add(table, chain, rule, reason);
  }

  [[nodiscard]] std::string chain_reason(const Chain& chain) const {
    if (chain.name.starts_with("KUBE-SVC-")) return str("chooses an endpoint of ", text_);
    if (chain.name.starts_with("KUBE-SEP-")) return str("leads to one endpoint of ", text_);
    if (chain.name.starts_with("KUBE-FW-"))
      return str("decides who may use the load balancer of ", text_);
    return str("keeps traffic to ", text_, " from outside on this node (Local policy)");
  }

  [[nodiscard]] std::string rule_reason(const Chain& chain, const Rule& rule) const {
    if (const auto* to = std::get_if<Dnat>(&rule.target)) {
      return str("the destination becomes the endpoint ", to_string(to->ip), ":", to->port);
    }
    const auto* jump = std::get_if<Jump>(&rule.target);
    if (jump == nullptr) return chain_reason(chain);
    if (jump->chain == "KUBE-MARK-DROP") return "nobody wanted this packet: it is dropped";
    if (jump->chain == "KUBE-MARK-MASQ") {
      return chain.name.starts_with("KUBE-SEP-")
                 ? "a pod that reaches itself through the service must see another source"
                 : "from outside the pod network: the source becomes this node, so that the reply "
                   "comes back this way";
    }
    for (const Match& match : rule.matches) {
      if (const auto* random = std::get_if<RandomMatch>(&match)) {
        return str("one connection in ", std::lround(2147483648.0 / random->threshold),
                   " of those that come by goes to this endpoint");
      }
      if (std::holds_alternative<RecentMatch>(match)) {
        return "a client that was at this endpoint lately goes there again (sessionAffinity)";
      }
    }
    if (jump->chain.starts_with("KUBE-SEP-")) return "all that is left goes to the last endpoint";
    return chain_reason(chain);
  }

  const std::string text_;
  const plan::ServicePort& port_;
  std::vector<ExplainedRule>& out_;
};

}  // namespace

std::vector<ExplainedRule> explain_service(const plan::ProxyConfig& config,
                                           const std::vector<plan::ServicePort>& ports,
                                           bool with_comments) {
  std::vector<ExplainedRule> out;
  for (const plan::ServicePort& port : ports) {
    Explainer(port, out).explain(plan::rules_for_port(config, port, with_comments));
  }
  return out;
}

}  // namespace hoplab::reconcile
