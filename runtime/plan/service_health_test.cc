#include "runtime/plan/service_health.h"

#include <gtest/gtest.h>

namespace hoplab::plan {
namespace {

ServicePort port(const char* service, const char* name, uint16_t health_port,
                 std::vector<ServiceEndpoint> endpoints) {
  ServicePort out;
  out.name = {"shop", service, name};
  out.external_local = true;
  out.health_check_port = health_port;
  out.endpoints = std::move(endpoints);
  return out;
}

TEST(ServiceHealth, CountsAddressesOfThisNode) {
  const Ipv4 here(172, 16, 1, 1);
  const Ipv4 also_here(172, 16, 1, 2);
  const Ipv4 there(172, 16, 2, 1);
  std::map<ServicePortName, ServicePort> ports;
  const auto add = [&ports](ServicePort it) { ports[it.name] = it; };
  add(port("web", "http", 30100, {{here, 80, "w1"}, {there, 80, "w2"}}));
  add(port("web", "tls", 30100, {{here, 443, "w1"}, {also_here, 443, "w1"}}));
  add(port("far", "http", 30200, {{there, 80, "w2"}}));
  add(port("plain", "http", 0, {{here, 80, "w1"}}));
  ServicePort cluster = port("cluster", "http", 30300, {{here, 80, "w1"}});
  cluster.external_local = false;
  add(cluster);
  EXPECT_EQ(service_health(ports, "w1"),
            (std::map<uint16_t, ServiceHealth>{{30100, {"shop", "web", 2}},
                                               {30200, {"shop", "far", 0}}}));
}

TEST(ServiceHealth, APortHasOneService) {
  std::map<ServicePortName, ServicePort> ports;
  for (const char* name : {"b", "a"}) {
    ServicePort it = port(name, "http", 30100, {{Ipv4(172, 16, 1, 1), 80, "w1"}});
    ports[it.name] = it;
  }
  EXPECT_EQ(service_health(ports, "w1"),
            (std::map<uint16_t, ServiceHealth>{{30100, {"shop", "a", 1}}}));
}

}  // namespace
}  // namespace hoplab::plan
