// The planned rules as iptables-save would print them. The expected lines are written down from
// facts/services.md 1.3 to 1.7 and dumps of real 1.22 clusters, not from our own output.

#include <gmock/gmock.h>

#include "runtime/base/text.h"
#include "runtime/nft/render_text.h"
#include "runtime/plan/services.h"
#include "runtime/reconcile/explain_service.h"

namespace hoplab::reconcile {
namespace {

using testing::HasSubstr;

const plan::ProxyConfig config{.node = "k8s-w1", .node_ip = Ipv4(192, 168, 10, 101)};
using Lines = std::vector<std::string>;

plan::ServicePort web_port() {
  plan::ServicePort port;
  port.name = {"default", "nginx", ""};
  port.cluster_ip = Ipv4(10, 96, 7, 1);
  port.port = 80;
  port.endpoints = {{Ipv4(172, 16, 158, 1), 8080, "k8s-w1"},
                    {Ipv4(172, 16, 184, 1), 8080, "k8s-w2"},
                    {Ipv4(172, 16, 34, 1), 8080, "k8s-w0"}};
  return port;
}

const std::string svc = "KUBE-SVC-2CMXP7HKUVJN7L6M";  // facts/services.md 1.1

std::string sep(const plan::ServicePort& port, size_t n) {
  return plan::endpoint_chain(port.name, port.protocol, port.endpoints[n]);
}

Lines lines_of(const Ruleset& rules, const std::string& table, const std::string& chain) {
  Lines out;
  const Chain* found = rules.find(table, chain);
  if (found == nullptr) return {"no chain " + chain};
  for (const Rule& rule : found->rules) out.push_back(nft::rule_line("", rule).substr(3));
  return out;
}

TEST(ProxyRules, ClusterIp) {
  const plan::ServicePort port = web_port();
  const Ruleset rules = service_rules(config, {port});
  EXPECT_EQ(
      lines_of(rules, "nat", "KUBE-SERVICES"),
      (Lines{" -d 10.96.7.1/32 -p tcp -m comment --comment \"default/nginx cluster IP\" -m tcp "
             "--dport 80 -j " +
                 svc,
             " -m comment --comment \"kubernetes service nodeports; NOTE: this must be the "
             "last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"}));
  EXPECT_EQ(lines_of(rules, "nat", svc),
            (Lines{" ! -s 172.16.0.0/16 -d 10.96.7.1/32 -p tcp -m comment --comment "
                   "\"default/nginx cluster IP\" -m tcp --dport 80 -j KUBE-MARK-MASQ",
                   " -m comment --comment \"default/nginx\" -m statistic --mode random "
                   "--probability 0.33333333349 -j " +
                       sep(port, 0),
                   " -m comment --comment \"default/nginx\" -m statistic --mode random "
                   "--probability 0.50000000000 -j " +
                       sep(port, 1),
                   " -m comment --comment \"default/nginx\" -j " + sep(port, 2)}));
  EXPECT_EQ(lines_of(rules, "nat", sep(port, 0)),
            (Lines{" -s 172.16.158.1/32 -m comment --comment \"default/nginx\" -j KUBE-MARK-MASQ",
                   " -p tcp -m comment --comment \"default/nginx\" -m tcp -j DNAT "
                   "--to-destination 172.16.158.1:8080"}));
}

TEST(ProxyRules, WhatExistsWithoutServices) {
  const Ruleset rules = service_rules(config, {});
  EXPECT_EQ(lines_of(rules, "nat", "PREROUTING"),
            (Lines{" -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"}));
  EXPECT_EQ(lines_of(rules, "nat", "POSTROUTING"),
            (Lines{" -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING"}));
  EXPECT_EQ(lines_of(rules, "nat", "KUBE-POSTROUTING"),
            (Lines{" -m mark ! --mark 0x4000/0x4000 -j RETURN", " -j MARK --set-xmark 0x4000/0x0",
                   " -m comment --comment \"kubernetes service traffic requiring SNAT\" -j "
                   "MASQUERADE --random-fully"}));
  EXPECT_EQ(lines_of(rules, "nat", "KUBE-MARK-MASQ"),
            (Lines{" -j MARK --set-xmark 0x4000/0x4000"}));
  EXPECT_EQ(lines_of(rules, "nat", "KUBE-MARK-DROP"),
            (Lines{" -j MARK --set-xmark 0x8000/0x8000"}));
  EXPECT_EQ(
      lines_of(rules, "filter", "INPUT"),
      (Lines{" -m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS",
             " -m conntrack --ctstate NEW -m comment --comment \"kubernetes "
             "externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES",
             " -j KUBE-FIREWALL"}));
  EXPECT_EQ(lines_of(rules, "filter", "FORWARD"),
            (Lines{" -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD",
                   " -m conntrack --ctstate NEW -m comment --comment \"kubernetes service "
                   "portals\" -j KUBE-SERVICES",
                   " -m conntrack --ctstate NEW -m comment --comment \"kubernetes "
                   "externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES"}));
  EXPECT_EQ(lines_of(rules, "filter", "KUBE-FIREWALL"),
            (Lines{" -m comment --comment \"kubernetes firewall for dropping marked packets\" -m "
                   "mark --mark 0x8000/0x8000 -j DROP",
                   " ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment \"block incoming "
                   "localnet connections\" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j "
                   "DROP"}));
  EXPECT_EQ(lines_of(rules, "filter", "KUBE-FORWARD"),
            (Lines{" -m conntrack --ctstate INVALID -j DROP",
                   " -m comment --comment \"kubernetes forwarding rules\" -m mark --mark "
                   "0x4000/0x4000 -j ACCEPT",
                   " -m comment --comment \"kubernetes forwarding conntrack pod source rule\" -m "
                   "conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                   " -m comment --comment \"kubernetes forwarding conntrack pod destination "
                   "rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"}));
  for (const char* table : {"mangle", "nat", "filter"}) {
    EXPECT_EQ(lines_of(rules, table, "KUBE-PROXY-CANARY"), Lines{});
    EXPECT_EQ(lines_of(rules, table, "KUBE-KUBELET-CANARY"), Lines{});
  }
}

TEST(ProxyRules, NodePort) {
  plan::ServicePort port = web_port();
  port.node_port = 30080;
  const Ruleset rules = service_rules(config, {port});
  EXPECT_EQ(
      lines_of(rules, "nat", "KUBE-NODEPORTS"),
      (Lines{" -p tcp -m comment --comment \"default/nginx\" -m tcp --dport 30080 -j " + svc}));
  EXPECT_EQ(
      lines_of(rules, "nat", svc)[1],
      " -p tcp -m comment --comment \"default/nginx\" -m tcp --dport 30080 -j KUBE-MARK-MASQ");
}

TEST(ProxyRules, NoEndpointsAreRefused) {
  plan::ServicePort port = web_port();
  port.endpoints.clear();
  port.node_port = 30080;
  const Ruleset rules = service_rules(config, {port});
  EXPECT_EQ(lines_of(rules, "filter", "KUBE-SERVICES"),
            (Lines{" -d 10.96.7.1/32 -p tcp -m comment --comment \"default/nginx has no "
                   "endpoints\" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable"}));
  EXPECT_EQ(lines_of(rules, "filter", "KUBE-EXTERNAL-SERVICES"),
            (Lines{" -p tcp -m comment --comment \"default/nginx has no endpoints\" -m addrtype "
                   "--dst-type LOCAL -m tcp --dport 30080 -j REJECT --reject-with "
                   "icmp-port-unreachable"}));
  EXPECT_EQ(rules.find("nat", svc), nullptr);
  EXPECT_EQ(lines_of(rules, "nat", "KUBE-SERVICES").size(), 1U);
}

TEST(ProxyRules, SessionAffinity) {
  plan::ServicePort port = web_port();
  port.endpoints.resize(1);
  port.affinity_seconds = 10800;
  const Ruleset rules = service_rules(config, {port});
  const std::string only = sep(port, 0);
  const Lines chain = lines_of(rules, "nat", svc);
  ASSERT_EQ(chain.size(), 3U);
  EXPECT_EQ(chain[1],
            " -m comment --comment \"default/nginx\" -m recent --rcheck --seconds 10800 "
            "--reap --name " +
                only + " --mask 255.255.255.255 --rsource -j " + only);
  EXPECT_EQ(lines_of(rules, "nat", only)[1],
            " -p tcp -m comment --comment \"default/nginx\" -m recent --set --name " + only +
                " --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination "
                "172.16.158.1:8080");
}

TEST(ProxyRules, LocalPolicyAndLoadBalancer) {
  plan::ServicePort port = web_port();
  port.node_port = 30080;
  port.external_local = true;
  port.load_balancer_ips = {Ipv4(192, 168, 10, 240)};
  port.source_ranges = {Prefix(Ipv4(192, 168, 0, 0), 16)};
  Ruleset rules = service_rules(config, {port});
  const std::string xlb = "KUBE-XLB-2CMXP7HKUVJN7L6M";
  const std::string fw = "KUBE-FW-2CMXP7HKUVJN7L6M";
  EXPECT_EQ(
      lines_of(rules, "nat", "KUBE-NODEPORTS"),
      (Lines{" -s 127.0.0.0/8 -p tcp -m comment --comment \"default/nginx\" -m tcp --dport "
             "30080 -j KUBE-MARK-MASQ",
             " -p tcp -m comment --comment \"default/nginx\" -m tcp --dport 30080 -j " + xlb}));
  EXPECT_EQ(
      lines_of(rules, "nat", fw),
      (Lines{
          " -s 192.168.0.0/16 -m comment --comment \"default/nginx loadbalancer IP\" -j " + xlb,
          " -s 192.168.10.240/32 -m comment --comment \"default/nginx loadbalancer IP\" -j " + xlb,
          " -m comment --comment \"default/nginx loadbalancer IP\" -j KUBE-MARK-DROP"}));
  EXPECT_EQ(
      lines_of(rules, "nat", xlb),
      (Lines{" -s 172.16.0.0/16 -m comment --comment \"Redirect pods trying to reach "
             "external loadbalancer VIP to clusterIP\" -j " +
                 svc,
             " -m comment --comment \"masquerade LOCAL traffic for default/nginx LB IP\" -m "
             "addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
             " -m comment --comment \"route LOCAL traffic for default/nginx LB IP to service "
             "chain\" -m addrtype --src-type LOCAL -j " +
                 svc,
             " -m comment --comment \"Balancing rule 0 for default/nginx\" -j " + sep(port, 0)}));
  port.endpoints.erase(port.endpoints.begin());
  rules = service_rules(config, {port});
  EXPECT_EQ(lines_of(rules, "nat", xlb).back(),
            " -m comment --comment \"default/nginx has no local endpoints\" -j KUBE-MARK-DROP");
}

TEST(ProxyRules, InternalLocalPolicyKeepsToTheNode) {
  plan::ServicePort port = web_port();
  port.internal_local = true;
  const Ruleset rules = service_rules(config, {port});
  EXPECT_EQ(lines_of(rules, "nat", svc).size(), 2U);
  EXPECT_EQ(rules.find("nat", sep(port, 1)), nullptr);
}

TEST(ExplainService, NamesEveryRuleWithItsReason) {
  plan::ServicePort port = web_port();
  port.endpoints.resize(2);
  const auto rules = explain_service(config, {port});
  ASSERT_EQ(rules.size(), 3U + 3U + 4U + 1U);  // chains, SVC, SEPs, KUBE-SERVICES
  EXPECT_EQ(rules[0], (ExplainedRule{"chooses an endpoint of default/nginx",
                                     "iptables -t nat -N " + svc, "nat", svc, std::nullopt}));
  ASSERT_TRUE(rules.back().rule);
  EXPECT_EQ(rules.back().chain, "KUBE-SERVICES");
  EXPECT_THAT(rules[4].reason, HasSubstr("one connection in 2"));
  EXPECT_THAT(rules.back().command, HasSubstr("iptables -t nat -A KUBE-SERVICES -d 10.96.7.1/32"));
  for (const ExplainedRule& rule : rules) EXPECT_FALSE(rule.reason.empty()) << rule.command;
}

}  // namespace
}  // namespace hoplab::reconcile
