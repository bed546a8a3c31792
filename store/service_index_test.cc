#include "store/service_index.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

Json service(const std::string& name, const std::string& type = "ClusterIP") {
  return {
      {"metadata", {{"name", name}, {"namespace", "default"}}},
      {"spec", {{"type", type}, {"ports", Json::array({{{"port", 80}, {"protocol", "TCP"}}})}}}};
}

/// Assigns and stores, as the registry does.
Result<Json> add(ServiceIndex& index, Json object, const Json* before = nullptr) {
  HOP_CHECK(index.assign(object, before));
  index.replace(before, &object);
  return object;
}

TEST(ServiceIndex, GivesFreeAddressesThatDoNotDependOnTheOrder) {
  ServiceIndex first({}), second({});
  const Json a = add(first, service("a")).value();
  const Json b = add(first, service("b")).value();
  EXPECT_EQ(add(second, service("b")).value(), b);
  EXPECT_EQ(add(second, service("a")).value(), a);
  EXPECT_NE(a["spec"]["clusterIP"], b["spec"]["clusterIP"]);
  EXPECT_EQ(a["spec"]["clusterIPs"][0], a["spec"]["clusterIP"]);
  // The low part is for addresses that people write down: 10.96.0.1, 10.96.0.10.
  const Ipv4 ip = Ipv4::parse(a["spec"]["clusterIP"].get<std::string>()).value();
  EXPECT_GE(ip, Ipv4(10, 96, 1, 0));
  EXPECT_LT(ip, Ipv4(10, 111, 255, 255));
}

TEST(ServiceIndex, ASmallRangeIsUsedUpCompletelyAndComesBack) {
  ServiceIndex index({.network = Prefix(Ipv4(10, 0, 0, 0), 28)});
  std::set<std::string> seen;
  std::vector<Json> all;
  for (int i = 0; i < 14; ++i) {
    all.push_back(add(index, service(str("s", i))).value());
    seen.insert(all.back()["spec"]["clusterIP"].get<std::string>());
  }
  EXPECT_EQ(seen.size(), 14U);
  EXPECT_EQ(add(index, service("more")).error().message(),
            "failed to allocate a serviceIP: range is full");
  index.replace(&all[3], nullptr);
  EXPECT_EQ(add(index, service("more")).value()["spec"]["clusterIP"], all[3]["spec"]["clusterIP"]);
}

TEST(ServiceIndex, AddressesThatPeopleChoose) {
  ServiceIndex index({});
  Json dns = service("dns");
  dns["spec"]["clusterIP"] = "10.96.0.10";
  ASSERT_TRUE(add(index, dns).ok());
  Json other = service("other");
  other["spec"]["clusterIP"] = "10.96.0.10";
  EXPECT_EQ(add(index, other).error().details().causes.at(0).message,
            "Invalid value: []string{\"10.96.0.10\"}: failed to allocated ip:10.96.0.10 with "
            "error:provided IP is already allocated");
  other["spec"]["clusterIP"] = "192.168.1.1";
  EXPECT_EQ(add(index, other).error().details().causes.at(0).message,
            "Invalid value: []string{\"192.168.1.1\"}: failed to allocated ip:192.168.1.1 with "
            "error:provided IP is not in the valid range. The range of valid IPs is 10.96.0.0/12");
  other["spec"]["clusterIP"] = "None";
  EXPECT_EQ(add(index, other).value()["spec"]["clusterIPs"], Json::array({"None"}));
  EXPECT_EQ(index.addresses(), 1U);
}

TEST(ServiceIndex, NodePorts) {
  ServiceIndex index({});
  Json web = service("web", "NodePort");
  web["spec"]["ports"][0]["nodePort"] = 30080;
  const Json stored = add(index, web).value();
  Json other = service("other", "NodePort");
  other["spec"]["ports"][0]["nodePort"] = 30080;
  const Error taken = add(index, other).error();
  EXPECT_EQ(taken.details().causes.at(0).field, "spec.ports[0].nodePort");
  EXPECT_EQ(taken.details().causes.at(0).message,
            "Invalid value: 30080: provided port is already allocated");
  other["spec"]["ports"][0]["nodePort"] = 80;
  EXPECT_EQ(add(index, other).error().details().causes.at(0).message,
            "Invalid value: 80: provided port is not in the valid range. The range of valid ports "
            "is 30000-32767");
  other["spec"]["ports"][0].erase("nodePort");
  const int64_t given = add(index, other).value()["spec"]["ports"][0]["nodePort"];
  EXPECT_GE(given, 30000 + 86);
  EXPECT_LE(given, 32767);
  EXPECT_EQ(index.node_ports(), 2U);
  index.replace(&stored, nullptr);
  EXPECT_EQ(index.node_ports(), 1U);
}

TEST(ServiceIndex, TcpAndUdpOfOneServiceMayShareANodePort) {
  ServiceIndex index({});
  Json dns = service("dns", "NodePort");
  dns["spec"]["ports"] =
      Json::array({{{"port", 53}, {"protocol", "UDP"}, {"nodePort", 30053}, {"name", "a"}},
                   {{"port", 53}, {"protocol", "TCP"}, {"nodePort", 30053}, {"name", "b"}}});
  EXPECT_TRUE(add(index, dns).ok());
  dns["spec"]["ports"][1]["protocol"] = "UDP";
  ServiceIndex fresh({});
  EXPECT_EQ(add(fresh, dns).error().details().causes.at(0).field, "spec.ports[1].nodePort");
}

TEST(ServiceIndex, AnUpdateKeepsWhatItLeavesOut) {
  ServiceIndex index({});
  const Json before = add(index, service("web", "NodePort")).value();
  Json wanted = service("web", "NodePort");
  wanted["spec"]["ports"].push_back({{"port", 443}, {"protocol", "TCP"}});
  const Json after = add(index, wanted, &before).value();
  EXPECT_EQ(after["spec"]["clusterIP"], before["spec"]["clusterIP"]);
  EXPECT_EQ(after["spec"]["ports"][0]["nodePort"], before["spec"]["ports"][0]["nodePort"]);
  EXPECT_NE(after["spec"]["ports"][1]["nodePort"], after["spec"]["ports"][0]["nodePort"]);
  EXPECT_EQ(index.node_ports(), 2U);
}

TEST(ServiceIndex, ATypeChangeGivesUpWhatItNoLongerNeeds) {
  ServiceIndex index({});
  Json now = add(index, service("web", "NodePort")).value();
  Json wanted = now;
  wanted["spec"]["type"] = "ClusterIP";
  now = add(index, wanted, &now).value();
  EXPECT_FALSE(now["spec"]["ports"][0].contains("nodePort"));
  EXPECT_EQ(index.node_ports(), 0U);
  wanted = now;
  wanted["spec"]["type"] = "ExternalName";
  now = add(index, wanted, &now).value();
  EXPECT_FALSE(now["spec"].contains("clusterIP"));
  EXPECT_EQ(index.addresses(), 0U);
}

}  // namespace
}  // namespace hoplab
