#include "runtime/plan/explain_pod.h"

#include <gmock/gmock.h>

#include "runtime/plan/calico_view.h"

namespace hoplab::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}

ExplainPodInput web_on_w1() {
  ExplainPodInput input;
  input.pod = {{"metadata", {{"name", "web"}, {"namespace", "default"}}},
               {"spec", {{"nodeName", "k8s-w1"}}},
               {"status", {{"podIP", "172.16.158.1"}}}};
  input.pod_netns = "web";
  input.nodes = {{"k8s-w2", cidr("192.168.10.102/24")}, {"k8s-w1", cidr("192.168.10.101/24")}};
  input.blocks = {{cidr("172.16.158.0/24"), "k8s-w1", Encapsulation::always, {}},
                  {cidr("172.16.184.0/24"), "k8s-w2", Encapsulation::always, {}}};
  return input;
}

std::vector<std::string> commands(const std::vector<Operation>& operations) {
  std::vector<std::string> out;
  for (const Operation& operation : operations) {
    EXPECT_FALSE(operation.reason.empty());
    out.push_back(to_command(operation));
  }
  return out;
}

TEST(ExplainPod, TellsTheCableAndTheRoutesOfTheOthers) {
  const auto explanation = explain_pod(web_on_w1());
  ASSERT_TRUE(explanation) << explanation.error().message();
  const auto wiring = commands(explanation->wiring);
  EXPECT_THAT(wiring, Contains(HasSubstr("ip -n k8s-w1 route replace 172.16.158.1 dev cali")));
  EXPECT_THAT(wiring, Contains("ip -n web route replace default via 169.254.1.1 dev eth0"));
  EXPECT_THAT(commands(explanation->routes),
              ElementsAre("ip -n k8s-w2 route replace 172.16.158.0/24 via 192.168.10.101 dev tunl0 "
                          "proto bird onlink"));
}

TEST(ExplainPod, ABorrowedAddressHasItsOwnRoute) {
  ExplainPodInput input = web_on_w1();
  input.pod["status"]["podIP"] = "172.16.184.7";
  input.blocks[1].borrowed = {{Ipv4(172, 16, 184, 7), "k8s-w1"}};
  const auto explanation = explain_pod(input);
  ASSERT_TRUE(explanation);
  EXPECT_THAT(commands(explanation->routes), ElementsAre(HasSubstr("172.16.184.7 via")));
}

TEST(ExplainPod, SaysWhyThereIsNothingToTell) {
  ExplainPodInput input = web_on_w1();
  input.pod["status"].erase("podIP");
  EXPECT_THAT(explain_pod(input).error().message(), HasSubstr("no address yet"));
  input.pod["spec"].erase("nodeName");
  EXPECT_THAT(explain_pod(input).error().message(), HasSubstr("no node yet"));
  input.pod["spec"]["hostNetwork"] = true;
  EXPECT_EQ(explain_pod(input).error().code(), ErrorCode::invalid);
}

TEST(CalicoView, ReadsNodesPoolsAndBlocks) {
  Json node = {
      {"metadata",
       {{"name", "w1"}, {"annotations", {{node_address_annotation, "192.168.10.101/24"}}}}},
      {"status", {{"addresses", {{{"type", "InternalIP"}, {"address", "10.0.0.1"}}}}}}};
  EXPECT_EQ(route_node(node)->address, cidr("192.168.10.101/24"));
  node["metadata"].erase("annotations");
  EXPECT_EQ(route_node(node)->address, cidr("10.0.0.1/32"));
  node.erase("status");
  EXPECT_EQ(route_node(node), std::nullopt);

  Json pool = {{"metadata", {{"name", "p"}}},
               {"spec",
                {{"cidr", "172.16.0.0/16"},
                 {"blockSize", 24},
                 {"ipipMode", "CrossSubnet"},
                 {"natOutgoing", true}}}};
  const auto view = pool_view(pool);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->encapsulation, Encapsulation::cross_subnet);
  EXPECT_TRUE(view->nat_outgoing);
  pool["spec"]["vxlanMode"] = "Always";
  EXPECT_THAT(pool_view(pool).error().message(), HasSubstr("spec.vxlanMode"));
}

}  // namespace
}  // namespace hoplab::plan
