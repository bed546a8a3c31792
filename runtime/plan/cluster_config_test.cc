#include "runtime/plan/cluster_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/base/fd.h"
#include "store/api/manifest.h"

namespace hoplab::plan {
namespace {

using ::testing::HasSubstr;

constexpr const char* small = R"(
name: small
segments:
- name: lan
  network: 192.168.1.0/24
- name: out
  network: 203.0.113.0/24
hosts:
- name: m
  role: control-plane
  interfaces: [{segment: lan, address: 192.168.1.10}]
- name: w
  role: worker
  firstBlock: 172.16.5.0/24
  interfaces: [{segment: lan, address: 192.168.1.11/24}]
- name: r
  role: router
  interfaces:
  - {segment: lan, address: 192.168.1.254}
  - {segment: out, address: 203.0.113.1}
- name: net
  role: internet
  interfaces: [{segment: out, address: 203.0.113.2, also: [8.8.8.8]}]
)";

Result<ClusterConfig> parse(const std::string& yaml) {
  auto content = api::parse_yaml(yaml, "c.yaml");
  if (!content) return content.error();
  return parse_cluster_config(*content, "c.yaml");
}

/// `small` with one text replaced by another.
std::string edited(const std::string& from, const std::string& to) {
  std::string text = small;
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// The fields that are complained about.
std::vector<std::string> bad_fields(const std::string& yaml) {
  auto config = parse(yaml);
  std::vector<std::string> fields;
  if (config) return {"(accepted)"};
  for (const auto& cause : config.error().details().causes) fields.push_back(cause.field);
  return fields;
}

TEST(ClusterConfig, ReadsAFileAndResolvesIt) {
  auto config = parse(small);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->name, "small");
  EXPECT_EQ(config->control_plane()->name, "m");
  EXPECT_EQ(to_string(config->find_host("m")->interfaces[0].address), "192.168.1.10/24");
  EXPECT_EQ(config->find_host("m")->interfaces[0].name, "eth0");
  EXPECT_EQ(to_string(*config->find_host("w")->first_block), "172.16.5.0/24");
  EXPECT_EQ(to_string(config->find_host("net")->interfaces[0].also[0]), "8.8.8.8/32");
  // Gateways that the file leaves out: the router; for the router the internet.
  EXPECT_EQ(to_string(*config->find_host("m")->gateway), "192.168.1.254");
  EXPECT_EQ(to_string(*config->find_host("r")->gateway), "203.0.113.2");
  EXPECT_EQ(to_string(*config->find_host("net")->gateway), "203.0.113.1");
}

TEST(ClusterConfig, AnEmptyFileIsNamedAsThat) {
  auto config = parse_cluster_config(Json(), "mine.yaml");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message(), testing::StartsWith("mine.yaml: the file is empty;"));
}

TEST(ClusterConfig, SurvivesJson) {
  for (const auto& name : ready_made_clusters()) {
    auto config = ready_made_cluster(name);
    ASSERT_TRUE(config);
    auto again = parse_cluster_config(to_json(*config), name);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(*again, *config);
  }
  auto config = parse(small);
  ASSERT_TRUE(config);
  EXPECT_EQ(*parse_cluster_config(to_json(*config), "again"), *config);
}

TEST(ClusterConfig, DefaultClusterHasTheTalksAddresses) {
  auto config = *ready_made_cluster("k8s");
  EXPECT_EQ(to_string(config.control_plane()->address()), "192.168.10.10");
  EXPECT_EQ(to_string(config.find_host("k8s-w0")->address()), "192.168.20.100");
  EXPECT_EQ(to_string(*config.find_host("k8s-w2")->first_block), "172.16.184.0/24");
  EXPECT_EQ(config.find_host("k8s-rtr")->interfaces.size(), 4U);
  EXPECT_EQ(std::count_if(config.hosts.begin(), config.hosts.end(),
                          [](const HostConfig& host) { return host.is_node(); }),
            4);
}

/// The documented file is the cluster that `up` starts without a file.
TEST(ClusterConfig, TheDocumentedFileIsTheDefaultCluster) {
  auto text = read_file("docs/cluster.yaml");
  ASSERT_TRUE(text) << text.error().message();
  auto config = parse(*text);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(to_json(*config), to_json(*ready_made_cluster("k8s")));
}

TEST(ClusterConfig, NamesTheFieldOfEachMistake) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(bad_fields(edited("name: small", "colour: red")), Fields{"colour"});
  EXPECT_EQ(bad_fields(edited("name: small", "name: Small_")), Fields{"name"});
  EXPECT_EQ(bad_fields(edited("name: small", "name: a2345678901234567890123456789012x")),
            Fields{"name"});
  EXPECT_EQ(bad_fields(edited("name: small", "look: \"1.9\"")), Fields{"look"});
  EXPECT_EQ(bad_fields(edited("name: small", "encapsulation: gre")), Fields{"encapsulation"});
  EXPECT_EQ(bad_fields(edited("name: small", "tunnel: kernel")), Fields{"tunnel"});
  EXPECT_EQ(bad_fields(edited("name: small", "proxyMode: magic")), Fields{"proxyMode"});
  EXPECT_EQ(bad_fields(edited("name: small", "blockSize: 33")), Fields{"blockSize"});
  EXPECT_EQ(bad_fields(edited("name: small", "blockSize: many")), Fields{"blockSize"});
  EXPECT_EQ(bad_fields(edited("name: small", "podNetwork: 172.16.0.1/16")), Fields{"podNetwork"});
  EXPECT_EQ(bad_fields(edited("name: small", "ports: {api: 70000}")), Fields{"ports.api"});
  EXPECT_EQ(bad_fields(edited("name: small", "ports: {nodePorts: 9-3}")),
            Fields{"ports.nodePorts"});
  EXPECT_EQ(bad_fields(edited("role: worker", "role: boss")), Fields{"hosts[1].role"});
  EXPECT_EQ(bad_fields(edited("role: worker", "role: control-plane")), Fields{"hosts[1].role"});
  EXPECT_EQ(bad_fields(edited("name: w", "name: m")), Fields{"hosts[1].name"});
  EXPECT_EQ(bad_fields(edited("name: w", "name: w_1")), Fields{"hosts[1].name"});
  EXPECT_EQ(bad_fields(edited("name: w", "name: " + std::string(64, 'w'))),
            Fields{"hosts[1].name"});
  EXPECT_EQ(bad_fields(edited("name: out", "name: a-very-long-name-of-a-switch")),
            (Fields{"hosts[2].interfaces[1].segment", "hosts[3].interfaces[0].segment"}));
  EXPECT_EQ(bad_fields("hosts: []"), Fields{"hosts"});
  EXPECT_EQ(bad_fields("[]"), (Fields{"(file)"}));
}

TEST(ClusterConfig, RefusesAddressesThatCannotWork) {
  using Fields = std::vector<std::string>;
  const Fields second{"hosts[1].interfaces[0].address"};
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.2.11")), second);
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.1.11/16")), second);
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.1.10")), second);
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.1.0")), second);
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.1.255")), second);
  EXPECT_EQ(bad_fields(edited("192.168.1.11/24", "192.168.1.300")), second);
  EXPECT_EQ(bad_fields(edited("[8.8.8.8]", "[172.16.0.9]")),
            Fields{"hosts[3].interfaces[0].also[0]"});
  EXPECT_EQ(bad_fields(edited("role: worker", "role: worker\n  gateway: 10.0.0.1")),
            Fields{"hosts[1].gateway"});
  EXPECT_EQ(bad_fields(edited("role: worker", "role: worker\n  gateway: 192.168.1.77")),
            Fields{"hosts[1].gateway"});
  EXPECT_EQ(bad_fields(edited("172.16.5.0/24", "172.17.5.0/24")), Fields{"hosts[1].firstBlock"});
  EXPECT_EQ(bad_fields(edited("172.16.5.0/24", "172.16.5.0/26")), Fields{"hosts[1].firstBlock"});
}

TEST(ClusterConfig, RefusesAHostWhosePortHasASwitchsName) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(bad_fields(R"(
segments: [{name: a-eth0, network: 10.0.0.0/24}]
hosts: [{name: a, interfaces: [{segment: a-eth0, address: 10.0.0.1}]}]
)"),
            Fields{"hosts[0].name"});
  EXPECT_EQ(bad_fields(R"(
segments: [{name: lan, network: 10.0.0.0/24}]
hosts:
- {name: port1, interfaces: [{segment: lan, address: 10.0.0.1}]}
- {name: a-very-long-name, interfaces: [{segment: lan, address: 10.0.0.2}]}
)"),
            Fields{"hosts[1].name"});
}

TEST(ClusterConfig, RefusesNetworksThatOverlap) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(bad_fields(edited("name: small", "serviceNetwork: 172.16.128.0/20")),
            Fields{"serviceNetwork"});
  EXPECT_EQ(bad_fields(edited("name: small", "serviceNetwork: 192.168.1.0/25")),
            Fields{"segments[0].network"});
  EXPECT_EQ(bad_fields(edited("name: small", "podNetwork: 192.168.0.0/16\nblockSize: 26")),
            (Fields{"segments[0].network", "hosts[1].firstBlock"}));
}

TEST(ClusterConfig, TellsAllMistakesAtOnceWithTheFile) {
  auto config = parse(edited("name: small", "colour: red\nlook: x\nblockSize: wide"));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), ErrorCode::invalid);
  EXPECT_THAT(config.error().message(), HasSubstr("c.yaml"));
  EXPECT_THAT(config.error().message(), HasSubstr("\n  colour: Unknown field: known here: name"));
  EXPECT_THAT(config.error().message(), HasSubstr("\n  look: Unsupported value \"x\""));
  EXPECT_THAT(config.error().message(), HasSubstr("\n  blockSize: Invalid value \"wide\": must"));
}

}  // namespace
}  // namespace hoplab::plan
