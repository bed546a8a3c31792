#include "runtime/plan/services.h"

#include <gtest/gtest.h>

#include "runtime/base/text.h"
#include "runtime/plan/services_input.h"

namespace hoplab::plan {
namespace {

const ProxyConfig config{.node = "k8s-w1", .node_ip = Ipv4(192, 168, 10, 101)};

ServicePort web_port() {
  ServicePort port;
  port.name = {"default", "web", "http"};
  port.cluster_ip = Ipv4(10, 96, 7, 1);
  port.port = 80;
  port.endpoints = {{Ipv4(172, 16, 158, 1), 8080, "k8s-w1"},
                    {Ipv4(172, 16, 184, 1), 8080, "k8s-w2"}};
  return port;
}

std::string json_service() {
  return R"({"metadata":{"namespace":"default","name":"web"},"spec":{"clusterIP":"10.96.7.1",
    "type":"NodePort","sessionAffinity":"ClientIP","externalTrafficPolicy":"Local","ports":[
    {"name":"http","port":80,"nodePort":30080},{"name":"dns","protocol":"UDP","port":53},
    {"name":"odd","protocol":"SCTP","port":7}]}})";
}

std::string json_slice() {
  return R"({"metadata":{"namespace":"default","name":"web-x","labels":{
    "kubernetes.io/service-name":"web"}},"addressType":"IPv4","ports":[
    {"name":"http","port":8080,"protocol":"TCP"},{"name":"dns","port":53,"protocol":"UDP"}],
    "endpoints":[{"addresses":["172.16.9.1"],"nodeName":"k8s-w1","conditions":{"ready":true}},
    {"addresses":["172.16.10.1"]},{"addresses":["172.16.9.1"],"nodeName":"k8s-w1"},
    {"addresses":["172.16.9.9"],"conditions":{"ready":false}}]})";
}

TEST(ServiceNames, AreTheHashesOfARealCluster) {
  EXPECT_EQ(service_chain("KUBE-SVC-", {"default", "kubernetes", "https"}, protocol::tcp),
            "KUBE-SVC-NPX46M4PTMTKRN6Y");
  EXPECT_EQ(service_chain("KUBE-SVC-", {"kube-system", "kube-dns", "dns"}, protocol::udp),
            "KUBE-SVC-TCOU7JCQXEZGVUNU");
  EXPECT_EQ(service_chain("KUBE-SVC-", {"kube-system", "kube-dns", "dns-tcp"}, protocol::tcp),
            "KUBE-SVC-ERIFXISQEP7F7OF4");
  EXPECT_EQ(service_chain("KUBE-SVC-", {"kube-system", "kube-dns", "metrics"}, protocol::tcp),
            "KUBE-SVC-JD5MR3NA4I4DYORP");
  EXPECT_EQ(service_chain("KUBE-SVC-", {"default", "nginx", ""}, protocol::tcp),
            "KUBE-SVC-2CMXP7HKUVJN7L6M");
  EXPECT_EQ(endpoint_chain({"ns4", "svc4", "p80"}, protocol::tcp, {Ipv4(10, 180, 0, 4), 80, ""}),
            "KUBE-SEP-UKSFD7AGPMPPLUHC");
}

TEST(ServiceInput, ReadsPortsAndReadyEndpoints) {
  const Json service = parse_json(json_service()).value();
  const Json slice = parse_json(json_slice()).value();
  EXPECT_EQ(service_of_slice(slice), "default/web");
  const ServiceInput input = service_input(service, {&slice});
  ASSERT_EQ(input.ports.size(), 2U);
  const ServicePort& http = input.ports[0];
  EXPECT_EQ(to_string(http.name), "default/web:http");
  EXPECT_EQ(http.node_port, 30080);
  EXPECT_EQ(http.affinity_seconds, 10800U);
  EXPECT_TRUE(http.external_local);
  EXPECT_EQ(http.endpoints, (std::vector<ServiceEndpoint>{{Ipv4(172, 16, 10, 1), 8080, ""},
                                                          {Ipv4(172, 16, 9, 1), 8080, "k8s-w1"}}));
  EXPECT_EQ(input.ports[1].protocol, protocol::udp);
  ASSERT_EQ(input.ignored.size(), 1U);
  EXPECT_EQ(input.ignored[0],
            "Service default/web: port 7: protocol SCTP is not supported, only TCP and UDP");
}

TEST(ServiceInput, HeadlessAndExternalNameHaveNoRules) {
  Json service = parse_json(json_service()).value();
  service["spec"]["clusterIP"] = "None";
  EXPECT_TRUE(service_input(service, {}).ports.empty());
  service["spec"]["clusterIP"] = "10.96.0.300";
  const ServiceInput bad = service_input(service, {});
  EXPECT_TRUE(bad.ports.empty());
  ASSERT_EQ(bad.ignored.size(), 1U);
  EXPECT_NE(bad.ignored[0].find("spec.clusterIP"), std::string::npos);
  service["spec"]["type"] = "ExternalName";
  EXPECT_TRUE(service_input(service, {}).ignored.empty());
}

TEST(ServiceInput, SurvivesWrongTypesEverywhere) {
  const Json service =
      parse_json(
          R"({"metadata":7,"spec":{"clusterIP":"10.96.0.1","ports":[3,{"port":"x"}],
          "externalIPs":"no","loadBalancerSourceRanges":[1]},"status":[]})")
          .value();
  const Json slice =
      parse_json(R"({"ports":[[]],"endpoints":{"a":1},"metadata":{"labels":3}})").value();
  EXPECT_TRUE(service_input(service, {&slice}).ports.empty());
  EXPECT_EQ(service_of_slice(slice), "");
}

TEST(ServiceRules, OneChangedEndpointChangesThreeChains) {
  ServiceRules rules(config);
  for (int i = 0; i < 5; ++i) {
    ServicePort port = web_port();
    port.name.name = str("web", i);
    rules.set("default", port.name.name, {port});
  }
  EXPECT_TRUE(rules.take_changes().everything);
  EXPECT_TRUE(rules.take_changes().empty());
  ServicePort port = web_port();
  port.name.name = "web3";
  port.endpoints[1].ip = Ipv4(172, 16, 184, 2);
  rules.set("default", "web3", {port});
  const ServiceRules::Changes changes = rules.take_changes();
  EXPECT_FALSE(changes.everything);
  ASSERT_EQ(changes.changed.tables.size(), 1U);
  EXPECT_EQ(changes.changed.tables[0].chains.size(), 2U);  // KUBE-SVC and the new KUBE-SEP
  ASSERT_EQ(changes.removed.size(), 1U);
  EXPECT_EQ(changes.removed[0].second.substr(0, 9), "KUBE-SEP-");
  rules.set("default", "web3", {port});
  EXPECT_TRUE(rules.take_changes().empty());
}

TEST(ServiceRules, ChangesAddUpToTheWholeRuleset) {
  ServiceRules rules(config);
  rules.set("default", "web", {web_port()});
  rules.take_changes();
  ServicePort udp = web_port();
  udp.name.port_name = "dns";
  udp.protocol = protocol::udp;
  ServicePort empty = web_port();
  empty.endpoints.clear();
  rules.set("default", "web", {empty, udp});
  const ServiceRules::Changes changes = rules.take_changes();
  const Ruleset whole = rules.rules();
  EXPECT_EQ(whole, service_rules(config, {udp, empty}));
  for (const Table& table : changes.changed.tables) {
    for (const Chain& chain : table.chains) {
      ASSERT_NE(whole.find(table.name, chain.name), nullptr);
      EXPECT_EQ(*whole.find(table.name, chain.name), chain);
    }
  }
  EXPECT_EQ(changes.removed.size(), 3U);
  rules.set("default", "web", {});
  EXPECT_EQ(rules.rules(), service_rules(config, {}));
}

TEST(ServiceRules, MasqueradeAllIsAboutClusterIpsOnly) {
  ProxyConfig all = config;
  all.masquerade_all = true;
  ServicePort port = web_port();
  port.external_ips = {Ipv4(192, 168, 10, 50)};
  const PortRules rules = rules_for_port(all, port, true);
  const std::vector<Rule>& service = rules.nat_chains.at(0).rules;
  EXPECT_FALSE(service.at(0).source.has_value());
  ASSERT_TRUE(service.at(1).source.has_value());
  EXPECT_TRUE(service.at(1).source->negated);
}

TEST(ServiceRules, LargeClustersGoWithoutComments) {
  ServiceRules rules(config);
  ServicePort port = web_port();
  rules.set("default", "web", {port});
  const auto comments = [&] {
    const Ruleset all = rules.rules();
    const Chain* chain =
        all.find("nat", endpoint_chain(port.name, port.protocol, port.endpoints[0]));
    return chain == nullptr ? size_t{99} : chain->rules[0].matches.size();
  };
  rules.take_changes();
  EXPECT_EQ(comments(), 1U);
  ServicePort many = web_port();
  many.name.name = "many";
  for (uint16_t n = 1; n < 1000; ++n) {
    many.endpoints.push_back({Ipv4(172, 16, 0, 0) + n, 80, ""});
  }
  rules.set("default", "many", {many});
  EXPECT_TRUE(rules.take_changes().everything);
  EXPECT_EQ(comments(), 0U);
  rules.set("default", "many", {});
  EXPECT_EQ(comments(), 1U);
  EXPECT_TRUE(rules.take_changes().everything);
}

}  // namespace
}  // namespace hoplab::plan
